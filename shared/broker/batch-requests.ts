import { SenpuError } from "../errors.ts";
import { SQS_MAX_BATCH_ENTRIES } from "../limits.ts";
import { NotAccepted } from "./patience.ts";
import type { Patience } from "./patience.ts";

/** What SNS's and SQS's batch requests answer alike. HTTP 200 may hold failed entries; ids are the entries' indices. */
export interface BatchAnswer {
  readonly Successful?: readonly { readonly Id?: string | undefined }[] | undefined;
  readonly Failed?: readonly BatchFailure[] | undefined;
}

interface BatchFailure {
  readonly Id: string | undefined;
  readonly Code: string | undefined;
  readonly Message?: string | undefined;
  /** True: the entry itself is wrong, and would be the next time. */
  readonly SenderFault: boolean | undefined;
}

/** Batches of one call that are under way at a time. */
const PARALLEL_BATCHES = 8;

/**
 * Sends all batches; entries that were not confirmed one by one are sent again, without those that were.
 * Throws {@link SenpuError} `broker` for an entry that is refused for itself, or when patience ends.
 */
export async function sendBatches<T>(
  patience: Patience,
  what: string,
  batches: readonly (readonly T[])[],
  request: (batch: readonly T[]) => Promise<BatchAnswer>,
): Promise<void> {
  await inParallel(batches, async (batch) => {
    let pending = batch;
    await patience.run(what, async () => {
      const answer = await request(pending);
      const fault = answer.Failed?.find(({ SenderFault }) => SenderFault);
      if (fault) {
        throw new SenpuError(
          "broker",
          `${what} was refused: ${fault.Code ?? "no code"}: ${fault.Message ?? "no reason"}`,
        );
      }
      const accepted = idsOf(answer.Successful);
      pending = pending.filter((_, index) => !accepted.has(String(index)));
      if (pending.length > 0) throw notAccepted(pending.length, answer);
    });
  });
}

/** Settles receipts in batches, the same way; returns those that no longer stand. */
export async function settleReceipts(
  patience: Patience,
  what: string,
  receipts: readonly string[],
  request: (batch: readonly string[]) => Promise<BatchAnswer>,
): Promise<string[]> {
  const stale: string[] = [];
  await inParallel(cut(receipts, SQS_MAX_BATCH_ENTRIES), async (batch) => {
    let pending = batch;
    await patience.run(what, async () => {
      const answer = await request(pending);
      const faulty = idsOf(answer.Failed?.filter(({ SenderFault }) => SenderFault));
      const done = idsOf(answer.Successful);
      stale.push(...pending.filter((_, index) => faulty.has(String(index))));
      pending = pending.filter(
        (_, index) => !done.has(String(index)) && !faulty.has(String(index)),
      );
      if (pending.length > 0) throw notAccepted(pending.length, answer);
    });
  });
  return stale;
}

function idsOf(
  entries: readonly { readonly Id?: string | undefined }[] | undefined,
): ReadonlySet<string | undefined> {
  return new Set(entries?.map(({ Id }) => Id));
}

function notAccepted(count: number, { Failed }: BatchAnswer): NotAccepted {
  return new NotAccepted(
    `${count} entries were not accepted (${Failed?.[0]?.Code ?? "no reason given"})`,
  );
}

function cut<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** After a failure none further is started. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  let failed = false;
  const workOn = async () => {
    for (const item of left) {
      if (failed) return;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_BATCHES, items.length) }, workOn));
}
