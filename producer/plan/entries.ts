import { SenpuError, messageOf } from "../../shared/errors.ts";
import { DEFAULT_LANE } from "../../shared/model/lane.ts";
import type { CallSource, Draft } from "./drafts.ts";
import { Identities, alreadyUsed } from "./identify.ts";
import type { PlanEntry } from "./plan.ts";

/** Gives every draft its final id and its lane. In: what the plan's sources read. Out: the plan's entries, in batches. */
export async function* readEntries(
  sources: readonly CallSource[],
  laneOf: (url: string) => string,
): AsyncGenerator<readonly PlanEntry[]> {
  const identities = new Identities();
  try {
    for (const source of sources) {
      for await (const drafts of source.read()) {
        if (drafts.length > 0) {
          yield drafts.map((draft) => toEntry(draft, source, identities, laneOf));
        }
      }
    }
  } catch (cause) {
    if (cause instanceof SenpuError) throw cause;
    // The files were good when the plan was read: one of them has gone or changed since.
    throw new SenpuError("plan", messageOf(cause), { cause });
  } finally {
    identities.close();
  }
}

function toEntry(
  draft: Draft,
  source: CallSource,
  identities: Identities,
  laneOf: (url: string) => string,
): PlanEntry {
  const { row } = draft;
  if ("error" in draft) {
    return {
      invalid: {
        id: identities.claimForInvalid(draft.id, row),
        lane: draft.url === undefined ? DEFAULT_LANE : laneOf(draft.url),
        method: draft.method ?? "",
        url: draft.url ?? "",
        error: `${source.place(row)}: ${draft.error}`,
      },
    };
  }
  const { id, call } = draft.planned;
  const lane = laneOf(call.url);
  if (id !== undefined && !identities.claim(id)) {
    return {
      invalid: {
        id: identities.claimWithRow(id, row),
        lane,
        method: call.method ?? "GET",
        url: call.url,
        error: `${source.place(row)}: ${alreadyUsed(id)}`,
      },
    };
  }
  return { call: { id: id ?? identities.derive(call), ...call }, lane };
}
