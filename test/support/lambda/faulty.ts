import { setTimeout as sleep } from "node:timers/promises";
import type { LambdaContext } from "../../../shared/lambda/context.ts";

/** What the event asks this handler to do wrong; `url` is called once for each of `calls` before that. */
interface FaultyEvent {
  readonly fault: "throw" | "hang" | "fill" | "exit" | "none";
  readonly url?: string;
  readonly calls?: number;
}

/** A handler that fails on demand, for tests of whoever invokes it. */
export async function handler(event: FaultyEvent, context: LambdaContext): Promise<unknown> {
  for (let call = 0; call < (event.calls ?? 0); call++) {
    await (await fetch(`${event.url}?id=${call}`)).text();
  }
  switch (event.fault) {
    case "throw":
      throw new TypeError("that was half of them");
    case "hang":
      await sleep(60_000);
      return null;
    case "fill":
      return fill();
    case "exit":
      return process.exit(7);
    case "none":
      break;
  }
  console.log("all is well");
  return {
    remainingMs: context.getRemainingTimeInMillis(),
    memory: process.env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
    name: process.env["AWS_LAMBDA_FUNCTION_NAME"],
    region: process.env["AWS_REGION"],
    pid: process.pid,
  };
}

function fill(): number {
  const kept: unknown[] = [];
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, index) => ({ index })));
}
