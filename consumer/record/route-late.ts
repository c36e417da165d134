import { UNROUTED_QUEUE, laneQueue } from "../../shared/broker/broker.ts";
import { SQS_MAX_BATCH_ENTRIES } from "../../shared/limits.ts";
import { decodeMessage } from "../../shared/model/message.ts";
import type { HouseParts } from "./keep-house.ts";

/** What stays is looked at again after this. */
const VISIBILITY_SECONDS = 60;

/** Messages that came before their lane had a queue go on to it; those of a lane that still has none stay. */
export async function routeLate(parts: HouseParts, lanes: ReadonlySet<string>): Promise<void> {
  const { broker, signal } = parts;
  while (!signal.aborted) {
    const deliveries = await broker.receive(UNROUTED_QUEUE, {
      maxMessages: SQS_MAX_BATCH_ENTRIES,
      waitSeconds: 0,
      visibilitySeconds: VISIBILITY_SECONDS,
    });
    if (deliveries.length === 0) return;
    for (const { body, attributes, receipt } of deliveries) {
      const lane = laneOf(body);
      if (lane === undefined || !lanes.has(lane)) continue;
      await broker.send(laneQueue(lane), [{ body, attributes }]);
      await broker.remove(UNROUTED_QUEUE, [receipt]);
    }
  }
}

function laneOf(body: string): string | undefined {
  try {
    const message = decodeMessage(body);
    return message.kind === "calls" ? message.lane : undefined;
  } catch {
    return undefined;
  }
}
