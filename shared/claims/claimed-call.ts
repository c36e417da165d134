import { SenpuError, messageOf } from "../errors.ts";
import type { Call } from "../model/call.ts";
import type { Claim } from "../model/claim.ts";
import { ClaimLostError } from "./claim-store.ts";
import type { ClaimStore } from "./claim-store.ts";

/** What of a call lies in the store. In the message the URL stands too, cut: for the ledger, and for its host. */
type ClaimedParts = Pick<Call, "url" | "headers" | "body" | "json">;

/** Characters of the URL that stay in the message. */
const SHOWN_URL_CHARS = 2_000;

/** The call as a message can carry it, its large parts kept for the run. Throws as {@link ClaimStore.put} does. */
export async function claimCall(claims: ClaimStore, run: string, call: Call): Promise<Call> {
  const { url, headers, body, json } = call;
  const parts: ClaimedParts = {
    url,
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
    ...(json === undefined ? {} : { json }),
  };
  return withClaim(call, await claims.put(run, Buffer.from(JSON.stringify(parts))));
}

/** The call without what the claim stands for. */
export function withClaim(call: Call, claim: Claim): Call {
  const { url, headers: _headers, body: _body, json: _json, ...rest } = call;
  return { ...rest, url: url.slice(0, SHOWN_URL_CHARS), claim };
}

/** The whole call again; one without a claim as it is. Throws as {@link ClaimStore.get} does. */
export async function wholeCall(claims: ClaimStore, call: Call): Promise<Call> {
  const { claim, ...rest } = call;
  if (claim === undefined) return call;
  return { ...rest, ...readParts(await claims.get(claim)) };
}

/** The same for a call that another run has put there: this run's own copy, which lives as long as this run. */
export async function adoptClaim(claims: ClaimStore, run: string, call: Call): Promise<Call> {
  if (call.claim === undefined || call.claim.run === run) return call;
  return { ...call, claim: await claims.put(run, await claims.get(call.claim)) };
}

/** What has the right hash was written by `claimCall`, unless somebody has made up a claim of something else. */
function readParts(bytes: Buffer): ClaimedParts {
  try {
    const { url, headers, body, json } = JSON.parse(bytes.toString()) as ClaimedParts;
    const areTexts =
      typeof url === "string" &&
      [body, json, ...Object.values(headers ?? {})].every(
        (each) => each === undefined || typeof each === "string",
      );
    if (!areTexts) throw new SenpuError("message", "it holds no call");
    return {
      url,
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
      ...(json === undefined ? {} : { json }),
    };
  } catch (cause) {
    throw new ClaimLostError(`what was kept of the call cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}
