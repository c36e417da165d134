import { ClaimLostError } from "../../shared/claims/claim-store.ts";
import type { ClaimStore } from "../../shared/claims/claim-store.ts";
import { claimCall, wholeCall, withClaim } from "../../shared/claims/claimed-call.ts";
import { show } from "../../shared/document/fault.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { Call } from "../../shared/model/call.ts";
import { assign } from "./assignment.ts";
import type { Assignment } from "./assignment.ts";

/** What `--set` and `--edit` change of calls that travel by claim: of the whole call, which is kept anew for the replay. */

/** `run`: the replay; undefined: only look whether it can be done. Throws as `assign` does, and where a claim is lost. */
export async function assignAny(
  claims: ClaimStore,
  run: string | undefined,
  call: Call,
  assignments: readonly Assignment[],
): Promise<Call> {
  if (call.claim === undefined || assignments.length === 0) return assign(call, assignments);
  const changed = assign(await readWhole(claims, call), assignments);
  return run === undefined ? withClaim(changed, call.claim) : claimCall(claims, run, changed);
}

/** Has `edit` change calls, large ones included, and keeps what became of those for the replay. */
export async function editAny(
  claims: ClaimStore,
  run: string,
  calls: readonly Call[],
  edit: (whole: readonly Call[]) => Promise<ReadonlyMap<string, Call>>,
): Promise<ReadonlyMap<string, Call>> {
  const whole: Call[] = [];
  for (const call of calls) whole.push(await readWhole(claims, call));
  const edited = new Map(await edit(whole));
  for (const [index, { id, claim }] of calls.entries()) {
    const call = edited.get(id);
    if (claim === undefined || call === undefined) continue;
    const isAsBefore = call === whole[index];
    edited.set(id, isAsBefore ? withClaim(call, claim) : await claimCall(claims, run, call));
  }
  return edited;
}

async function readWhole(claims: ClaimStore, call: Call): Promise<Call> {
  try {
    return await wholeCall(claims, call);
  } catch (cause) {
    if (!(cause instanceof ClaimLostError)) throw cause;
    throw new SenpuError(
      "run",
      `call ${show(call.id)} cannot be changed: ${cause.message}; leave it out with a filter; nothing was sent`,
      { cause },
    );
  }
}
