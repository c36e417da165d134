import { Agent } from "undici";
import { callPath, readEntryOptions, tellResult } from "./entry.ts";

/** The least that undici can do for a call: no promise and no stream, the body thrown away. */
const { url, calls, concurrency } = readEntryOptions();
const dispatcher = new Agent({ connections: concurrency });
const finished = Promise.withResolvers<void>();
let next = 0;
let ended = 0;
let succeeded = 0;

function callNext(): void {
  if (next === calls) return;
  dispatcher.dispatch(
    { origin: url, path: callPath(next++), method: "GET" },
    {
      onRequestStart() {},
      onResponseStart(_controller, status) {
        if (status === 200) succeeded++;
      },
      onResponseData() {},
      onResponseEnd() {
        if (++ended === calls) finished.resolve();
        else callNext();
      },
      onResponseError(_controller, error) {
        finished.reject(error);
      },
    },
  );
}

const startedAt = performance.now();
for (let started = 0; started < concurrency; started++) callNext();
await finished.promise;
const insideMs = performance.now() - startedAt;
await dispatcher.close();
tellResult({ succeeded, insideMs });
