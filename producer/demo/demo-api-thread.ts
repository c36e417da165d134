import { once } from "node:events";
import { parentPort } from "node:worker_threads";
import { startDemoServer } from "./demo-server.ts";
import type { DemoCounts } from "./demo-server.ts";

/**
 * The thread in which the demo API lives; started by `demo-api.ts` and by nothing else.
 * Out: its URL. In: anything, once, to stop. Out: what it counted.
 */
export type DemoThreadAnswer =
  | { readonly kind: "listening"; readonly url: string }
  | { readonly kind: "stopped"; readonly counts: DemoCounts };

const port = parentPort!;
const answer = (value: DemoThreadAnswer): void => port.postMessage(value);

const server = await startDemoServer();
answer({ kind: "listening", url: server.url });
await once(port, "message");
await server.close();
answer({ kind: "stopped", counts: server.counts() });
