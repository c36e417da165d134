import { deadQueue, failedQueue } from "../../shared/broker/broker.ts";
import type { Broker } from "../../shared/broker/broker.ts";
import { SenpuError } from "../../shared/errors.ts";
import { decodeLetter } from "../../shared/model/letter.ts";
import type { Letter } from "../../shared/model/letter.ts";
import { passes } from "./choose.ts";
import type { HeldLetter } from "./choose.ts";
import type { Hold } from "./hold.ts";
import type { ReplayRequest } from "./request.ts";

/** The letters of a replay, read and held. In: the `failed` queues. Out: those that pass; the others are released. */
export interface Gathered {
  readonly letters: readonly HeldLetter[];
  /** Letters of the run, or of the lane, that the filters let not pass. */
  readonly filtered: number;
  /** Letters that another reader holds at this moment; whose they are, nobody can say. */
  readonly elsewhere: number;
  /** Messages in the `dead` queues of the lanes, which a recorder turns into letters. */
  readonly dead: number;
}

export interface GatherOptions {
  readonly broker: Broker;
  readonly hold: Hold;
  readonly request: ReplayRequest;
  /** Lanes that the run has used; undefined: any. */
  readonly lanes: readonly string[] | undefined;
  readonly onRead: (read: number, expected: number) => void;
  readonly signal: AbortSignal;
}

export async function gatherLetters(options: GatherOptions): Promise<Gathered> {
  const { broker, hold, request, signal } = options;
  const letters: HeldLetter[] = [];
  let filtered = 0;
  let elsewhere = 0;
  let dead = 0;
  const lanes = await lanesToRead(broker, request.filter.lane, options.lanes);
  for (const lane of lanes) {
    const queue = failedQueue(lane);
    const others: string[] = [];
    const result = await hold.read({
      queue,
      signal,
      onProgress: options.onRead,
      onDelivery: (delivery) => {
        const letter = readLetter(delivery);
        const isAsked = letter !== undefined && (request.of ?? letter.run) === letter.run;
        if (isAsked && passes(letter, request.filter)) {
          letters.push({ queue, receipt: delivery.receipt, letter });
          return;
        }
        if (isAsked) filtered++;
        others.push(delivery.receipt);
      },
    });
    elsewhere += result.elsewhere;
    await hold.release(queue, others);
    const { visible, notVisible } = await broker.depth(deadQueue(lane));
    dead += visible + notVisible;
  }
  return { letters, filtered, elsewhere, dead };
}

async function lanesToRead(
  broker: Broker,
  asked: string | undefined,
  used: readonly string[] | undefined,
): Promise<readonly string[]> {
  const all = await broker.lanes();
  if (asked === undefined) return all.filter((lane) => used?.includes(lane) ?? true);
  if (all.includes(asked)) return [asked];
  throw new SenpuError("usage", `--lane ${asked}: ${nameLanes(all)}`);
}

export function nameLanes(lanes: readonly string[]): string {
  return lanes.length === 0
    ? "there is no lane yet, since nothing has run here"
    : `there is no such lane; there are ${lanes.join(", ")}`;
}

/** Undefined for what is no letter: `senpu dlq` shows it. */
function readLetter(delivery: Parameters<typeof decodeLetter>[0]): Letter | undefined {
  try {
    return decodeLetter(delivery);
  } catch (error) {
    if (error instanceof SenpuError && error.code === "message") return undefined;
    throw error;
  }
}
