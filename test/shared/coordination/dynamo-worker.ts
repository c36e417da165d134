import { openDynamoCoordination } from "../../../shared/coordination/dynamo-coordination.ts";
import type { Coordination } from "../../../shared/coordination/coordination.ts";
import { hammer } from "./dynamo-hammer.ts";
import type { HammerOrder } from "./dynamo-hammer.ts";

/** A process that does one thing on shared state, as fast as it can, by a clock that is wrong. */

process.once("message", (order: HammerOrder) => {
  void work(order);
});

async function work(order: HammerOrder): Promise<void> {
  const { endpointUrl, shiftMs } = order;
  const clock = (): number => Date.now() + shiftMs;
  const coordination: Coordination = await openDynamoCoordination({
    table: "senpu",
    endpointUrl,
    clock,
  });
  const done = await hammer(coordination, order, clock);
  await coordination.close();
  process.send?.(done);
}
