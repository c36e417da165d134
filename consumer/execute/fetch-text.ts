import type { Dispatcher } from "undici";
import { BlockedError } from "../../shared/guard/guard.ts";
import { describe, innermost, kindOf } from "./attempt.ts";
import { Pools } from "./pools.ts";
import type { AttemptEnd } from "./judge.ts";
import type { HttpRequest } from "./request.ts";
import type { Route } from "./route.ts";

/** An answer that is read whole, or why there is none. */
export interface TextAnswer {
  readonly end: AttemptEnd;
  readonly text: string;
  readonly contentType?: string | undefined;
  readonly retryAfter?: string | undefined;
  /** One line, when there was no answer. */
  readonly error?: string;
}

/** More than any answer that is meant. */
const MAX_BYTES = 65_536;

/**
 * One request beside calls, on a connection of its own behind the guard, whose answer is a short text. Follows no
 * redirect. Never rejects. `allow`: internal addresses that its run is meant to call.
 */
export async function fetchText(
  request: HttpRequest,
  { allow, route }: { readonly allow: readonly string[]; readonly route: Route | undefined },
  timeoutMs: number,
): Promise<TextAnswer> {
  const pools = new Pools();
  const answered = Promise.withResolvers<TextAnswer>();
  let isSent = false;
  const fail = (kind: "timeout" | "network", error: string): void =>
    answered.resolve({ end: { kind, sent: isSent }, text: "", error });
  const timer = setTimeout(
    () => fail("timeout", `no answer within ${timeoutMs / 1_000} s`),
    timeoutMs,
  );
  let status = 0;
  let headers: Record<string, string | string[] | undefined> = {};
  let bytes = 0;
  const chunks: Buffer[] = [];
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: () => void (isSent = true),
    onResponseStart: (_controller, code, fields) => {
      status = code;
      headers = fields;
    },
    onResponseData: (controller, chunk) => {
      bytes += chunk.length;
      if (bytes <= MAX_BYTES) chunks.push(chunk);
      else controller.abort(new Error(`an answer of more than ${MAX_BYTES} bytes`));
    },
    onResponseEnd: () =>
      answered.resolve({
        end: { kind: "answer", status },
        text: Buffer.concat(chunks).toString("utf8"),
        contentType: headers["content-type"]?.toString(),
        retryAfter: headers["retry-after"]?.toString(),
      }),
    onResponseError: (_controller, error) => {
      const inner = innermost(error);
      answered.resolve({
        end:
          inner instanceof BlockedError
            ? { kind: "blocked", sent: false }
            : { kind: kindOf(inner), sent: isSent },
        text: "",
        error: describe(inner),
      });
    },
  };
  try {
    const { path, method, body } = request;
    pools
      .of(allow)
      .get(request.origin, route)
      .dispatch(
        {
          origin: request.origin,
          path,
          method,
          headers: [...request.headers],
          body,
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        handler,
      );
    return await answered.promise;
  } finally {
    clearTimeout(timer);
    pools.close().catch(() => {});
  }
}
