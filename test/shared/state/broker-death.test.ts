import { expect, onTestFinished, test, vi } from "vitest";
import type { startFauxqs } from "../../../shared/broker/fauxqs-broker.ts";
import { laneQueue } from "../../../shared/broker/broker.ts";
import { attachBroker } from "../../../shared/state/held-broker.ts";
import { connect, temporaryFolder } from "../broker/embedded.ts";

/** Ends the broker's thread as if it had died of itself: nothing can be sent to the real one that kills it. */
let die: () => Promise<void>;

vi.mock("../../../shared/broker/fauxqs-broker.ts", async (original) => {
  const real = await original<{ startFauxqs: typeof startFauxqs }>();
  return {
    startFauxqs: async (options: Parameters<typeof startFauxqs>[0]) => {
      const running = await real.startFauxqs(options);
      const { promise: failed, reject } = Promise.withResolvers<never>();
      die = async () => {
        await running.stop();
        reject(new Error("out of memory"));
      };
      return { ...running, failed };
    },
  };
});

test("a holder whose broker dies starts it again, on the same port with the same data", async () => {
  const attached = await attachBroker({ state: temporaryFolder(), standby: false });
  onTestFinished(() => attached.close());
  const broker = connect(attached.endpointUrl);
  await broker.ensure(["crm"]);
  await broker.send(laneQueue("crm"), [{ body: "kept" }]);
  await die();
  const [delivery] = await broker.receive(laneQueue("crm"), { maxMessages: 1, waitSeconds: 0 });
  expect(delivery?.body).toBe("kept");
  expect(attached.holder).toBe(true);
});
