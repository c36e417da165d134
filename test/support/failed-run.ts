import { cpSync } from "node:fs";
import type { FlowStage } from "./flow-stage.ts";
import type { MisbehavingServer } from "./misbehaving-server.ts";

/** An API that refuses calls with the status that their path names, `/until/503?id=…`, until it is mended. */
export interface MendableServer extends MisbehavingServer {
  mend(): void;
  breakAgain(): void;
}

export async function startMendableServer(stage: FlowStage): Promise<MendableServer> {
  const server = await stage.startServer();
  let isMended = false;
  server.on("until", ({ parts, response }) => {
    response.writeHead(isMended ? 200 : Number(parts[0])).end();
  });
  return Object.assign(Object.create(server) as MisbehavingServer, {
    mend: () => void (isMended = true),
    breakAgain: () => void (isMended = false),
  });
}

/** A copy of a state folder that nobody uses at the moment. */
export function copyState(stage: FlowStage, state: string): string {
  const copy = stage.newState();
  cpSync(state, copy, { recursive: true });
  return copy;
}
