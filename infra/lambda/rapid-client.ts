import { Agent, request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { registerHooks } from "node:module";
import { text } from "node:stream/consumers";
import { environmentVariable } from "../../shared/environment.ts";

/**
 * Loaded before AWS's runtime client, in its process: stands in for its native part, which is built where it is
 * installed and speaks the runtime API over libcurl. The same three calls over `node:http`; one difference: `done` and
 * `error` do not wait for the answer themselves, so `next` does.
 */
const NATIVE_PART = "./rapid-client.node";

registerHooks({
  resolve(specifier, context, nextResolve) {
    return specifier === NATIVE_PART
      ? { url: import.meta.url, format: "module", shortCircuit: true }
      : nextResolve(specifier, context);
  },
});

const API = `http://${environmentVariable("AWS_LAMBDA_RUNTIME_API")}/2018-06-01/runtime/invocation`;
const agent = new Agent({ keepAlive: true });
let posted: Promise<unknown> = Promise.resolve();

export async function next(): Promise<{ bodyJson: string; headers: IncomingHttpHeaders }> {
  await posted;
  const { headers, body } = await send("GET", "next");
  return { bodyJson: body, headers };
}

export function done(id: string, response: string): void {
  post(`${id}/response`, response);
}

export function error(id: string, response: string): void {
  post(`${id}/error`, response);
}

function post(path: string, body: string): void {
  posted = send("POST", path, body);
  // Told by `next`, which waits for it.
  posted.catch(() => {});
}

/** `fetch` would give up on an answer that is five minutes away, and an idle environment waits longer for its next event. */
function send(
  method: string,
  path: string,
  body?: string,
): Promise<{ headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const sent = request(`${API}/${path}`, { method, agent, headers }, (response) => {
      text(response).then((answer) => resolve({ headers: response.headers, body: answer }), reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
