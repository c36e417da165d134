import { attachBroker } from "../../../shared/state/held-broker.ts";

/**
 * A process of its own that attaches to the state folder named by its first argument, for tests to kill. Tells its
 * parent what it is at the start and whenever that changes; `close` from the parent ends it in order.
 */
export interface Told {
  readonly endpointUrl: string;
  readonly holder: boolean;
}

const attached = await attachBroker({ state: process.argv[2]! });
let told: boolean | undefined;
const tell = () => {
  if (attached.holder === told) return;
  told = attached.holder;
  process.send!({ endpointUrl: attached.endpointUrl, holder: told } satisfies Told);
};
tell();
const timer = setInterval(tell, 20);
process.once("message", () => {
  clearInterval(timer);
  void attached.close().then(() => process.disconnect());
});
