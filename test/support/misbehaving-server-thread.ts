import { parentPort } from "node:worker_threads";
import { startMisbehavingServer } from "./misbehaving-server.ts";

/** Entry of the thread that `startMisbehavingServerInThread` starts. Out: the server's URL. Ends when terminated. */
const port = parentPort!;
const server = await startMisbehavingServer();
port.postMessage(server.url);
