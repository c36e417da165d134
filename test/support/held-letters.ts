import type { HeldLetter } from "../../producer/replay/choose.ts";
import type { Call } from "../../shared/model/call.ts";
import type { Letter } from "../../shared/model/letter.ts";
import { makePolicy } from "./policy.ts";

let receipts = 0;

/** A letter as a replay holds it: of call `id` of run `r1`, which got a 503 five times. */
export function heldLetter(
  id: string,
  changes: Partial<Letter> = {},
  call: Partial<Call> = {},
): HeldLetter {
  return {
    queue: "lane-crm-failed",
    receipt: `receipt-${++receipts}`,
    letter: {
      run: "r1",
      lane: "crm",
      call: { id, url: `https://api.example.com/items/${id}`, ...call },
      policy: makePolicy(),
      reason: "exhausted",
      status: 503,
      attempts: 5,
      error: "HTTP 503",
      failedAt: 1_000,
      ...changes,
    },
  };
}
