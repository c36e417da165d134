import { lookup as resolveName } from "node:dns";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage, RequestOptions } from "node:http";
import type { LookupFunction } from "node:net";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { EDGE_REGION } from "./names.ts";
import type { AddressFamily } from "./names.ts";

/** What came of a request by one family. */
export type Registered =
  | {
      readonly kind: "done";
      readonly family: AddressFamily;
      /** What is allowed now, or no more. */
      readonly network: string;
      /** ISO; null: taken back. */
      readonly until: string | null;
    }
  /** This machine has no way out by that family. */
  | { readonly kind: "no way"; readonly family: AddressFamily; readonly why: string }
  | {
      readonly kind: "refused";
      readonly family: AddressFamily;
      /** HTTP. */
      readonly status: number;
      readonly why: string;
    };

const FAMILY_NUMBER = { ipv4: 4, ipv6: 6 } as const;
const CONNECT_MS = 5_000;
/** The function may have to wait for AWS WAF. */
const ANSWER_MS = 40_000;

/**
 * Registers the address by which this machine reaches the function's URL by one family, or takes it back.
 * `lookup` finds the host's addresses of that family. Rejects when there are no credentials.
 */
export async function callRegistration(
  url: URL,
  family: AddressFamily,
  method: "POST" | "DELETE",
  lookup: LookupFunction = resolveName,
): Promise<Registered> {
  const headers = await sign(url, method);
  try {
    const { statusCode = 0, body } = await send(url, {
      method,
      headers,
      family: FAMILY_NUMBER[family],
      lookup,
    });
    return read(family, statusCode, body);
  } catch (error) {
    return { kind: "no way", family, why: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

/**
 * SigV4 by the SDK, with the credentials that it finds. A client's signer keeps the service for which it first signed,
 * so this is a client of its own, which sends nothing.
 */
async function sign(url: URL, method: string): Promise<Record<string, string>> {
  const client = new CloudFormationClient({ region: EDGE_REGION });
  const signer = await client.config.signer({
    name: "sigv4",
    signingName: "lambda",
    signingRegion: EDGE_REGION,
    properties: {},
  });
  const { protocol, hostname, host, pathname } = url;
  const headers = { host };
  const request = { method, protocol, hostname, path: pathname, query: {}, headers, body: "" };
  return (await signer.sign(request)).headers;
}

async function send(
  url: URL,
  options: RequestOptions,
): Promise<{ readonly statusCode: number | undefined; readonly body: string }> {
  const start = url.protocol === "http:" ? httpRequest : httpsRequest;
  const request = start(url, { ...options, timeout: CONNECT_MS, agent: false });
  request.once("timeout", () => {
    request.destroy(Object.assign(new Error("no connection in time"), { code: "ETIMEDOUT" }));
  });
  request.once("socket", (socket) => {
    const lengthen = (): void => void socket.setTimeout(ANSWER_MS);
    socket.once(url.protocol === "http:" ? "connect" : "secureConnect", lengthen);
  });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { statusCode: response.statusCode, body: await text(response) };
}

function read(family: AddressFamily, status: number, body: string): Registered {
  const answer = parse(body);
  const { network, until } = answer;
  if (status === 200 && typeof network === "string") {
    return { kind: "done", family, network, until: typeof until === "string" ? until : null };
  }
  // The function's own word, or Lambda's.
  const why = answer["error"] ?? answer["Message"] ?? answer["message"];
  return {
    kind: "refused",
    family,
    status,
    why: typeof why === "string" ? why : "no reason given",
  };
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
