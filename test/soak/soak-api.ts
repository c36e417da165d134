import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** What the API saw of one call. */
export interface SeenCall {
  attempts: number;
  /** Requests that it may have acted on: all but those that it refused. */
  processed: number;
  /** Answers below 300 that left in full. */
  succeeded: number;
}

export type SeenCalls = Readonly<Record<string, SeenCall>>;

export interface SoakApi {
  readonly url: string;
  /** What it saw of a run; once, since it forgets it then. */
  seen(run: string): Promise<SeenCalls>;
  close(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL("./soak-api-entry.ts", import.meta.url));

export async function startSoakApi(): Promise<SoakApi> {
  const child = fork(ENTRY, { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const waiting = new Map<string, (calls: SeenCalls) => void>();
  const [url] = (await once(child, "message")) as [string];
  child.on("message", ({ run, calls }: { run: string; calls: SeenCalls }) => {
    waiting.get(run)?.(calls);
    waiting.delete(run);
  });
  return {
    url,
    seen: (run) =>
      new Promise((resolve) => {
        waiting.set(run, resolve);
        child.send(run);
      }),
    close: async () => {
      const gone = once(child, "exit");
      child.disconnect();
      await gone;
    },
  };
}
