import type { Broker } from "../../shared/broker/broker.ts";
import { decodeLetter } from "../../shared/model/letter.ts";
import { readChoice } from "./choice-file.ts";
import { Hold } from "./hold.ts";

/** Receipts that one request of the port is given. */
const RECEIPTS_AT_ONCE = 500;

/**
 * Deletes the letters of a replay whose calls have been published, by the choice alone: for a successor of whoever
 * chose them. First by the receipts that were noted, which serve while nobody has received the letter since; then by
 * looking through the queues. What another reader holds now stays: the next replay knows that it was made again.
 */
export async function removeLetters(broker: Broker, choicePath: string): Promise<void> {
  const keys = new Set<string>();
  const byQueue = new Map<string, string[]>();
  const removeSome = async (queue: string, receipts: string[]): Promise<void> => {
    if (receipts.length > 0) await broker.remove(queue, receipts.splice(0));
  };
  for await (const batch of readChoice(choicePath)) {
    for (const { from, letters } of batch) {
      keys.add(keyOf(from.run, from.id));
      for (const { queue, receipt } of letters) {
        const receipts = byQueue.get(queue) ?? [];
        receipts.push(receipt);
        byQueue.set(queue, receipts);
        if (receipts.length >= RECEIPTS_AT_ONCE) await removeSome(queue, receipts);
      }
    }
  }
  for (const [queue, receipts] of byQueue) {
    await removeSome(queue, receipts);
    await sweep(broker, queue, keys);
  }
}

async function sweep(broker: Broker, queue: string, keys: ReadonlySet<string>): Promise<void> {
  const { visible, notVisible } = await broker.depth(queue);
  if (visible + notVisible === 0) return;
  const hold = new Hold(broker);
  const found: string[] = [];
  try {
    await hold.read({
      queue,
      onDelivery: (delivery) => {
        if (keys.has(keyOfLetter(delivery))) found.push(delivery.receipt);
      },
    });
    await hold.remove(queue, found);
  } finally {
    await hold.release();
  }
}

function keyOfLetter(delivery: Parameters<typeof decodeLetter>[0]): string {
  try {
    const { run, call } = decodeLetter(delivery);
    return keyOf(run, call.id);
  } catch {
    return "";
  }
}

/** Names a call over all runs. A run's id holds no line break. */
export function keyOf(run: string, id: string): string {
  return `${run}\n${id}`;
}
