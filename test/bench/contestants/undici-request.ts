import { Agent, request } from "undici";
import { callUrl, readEntryOptions, tellResult } from "./entry.ts";

/** A bare loop: what a program does that keeps nothing, repeats nothing and limits nothing. */
const { url, calls, concurrency } = readEntryOptions();
const dispatcher = new Agent({ connections: concurrency });
let next = 0;
let succeeded = 0;

async function callInTurn(): Promise<void> {
  while (next < calls) {
    const { statusCode, body } = await request(callUrl(url, next++), { dispatcher });
    await body.text();
    if (statusCode === 200) succeeded++;
  }
}

const startedAt = performance.now();
await Promise.all(Array.from({ length: concurrency }, callInTurn));
const insideMs = performance.now() - startedAt;
await dispatcher.close();
tellResult({ succeeded, insideMs });
