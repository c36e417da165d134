import { matchFault } from "../../shared/config/limits-schema.ts";
import type { WrittenLane } from "../../shared/config/limits-schema.ts";
import type { FieldPath, Issue } from "../../shared/document/issues.ts";
import { headerOf } from "../../shared/model/auth.ts";
import type { AuthPolicy } from "../../shared/model/auth.ts";
import { alreadyUsed } from "./identify.ts";

/** What concerns more than one field of a plan. */

interface Whole {
  readonly lanes: readonly Pick<WrittenLane, "name" | "match" | "auth">[];
  readonly calls: readonly { readonly id: string | undefined }[];
  readonly from?: unknown;
  readonly each?: unknown;
  readonly defaults: {
    readonly headers: Readonly<Record<string, string>>;
    readonly auth?: AuthPolicy | null | undefined;
  };
}

/** `laneNames`: lanes that are known without the plan. */
export function checkWhole(plan: Whole, laneNames: ReadonlySet<string>): Issue[] {
  const issues: Issue[] = [];
  const add = (path: FieldPath, text: string, also?: FieldPath): void =>
    void issues.push({ path, text, ...(also === undefined ? {} : { also }) });

  for (const lane of plan.lanes) {
    const fault = matchFault(lane, laneNames.has(lane.name));
    if (fault !== undefined) add(["lanes", lane.name, "match"], fault);
    const header = headerTwice(lane.auth, plan.defaults.headers);
    if (header !== undefined) add(["lanes", lane.name, "auth"], header, ["defaults", "headers"]);
  }
  const header = headerTwice(plan.defaults.auth, plan.defaults.headers);
  if (header !== undefined) add(["defaults", "auth"], header, ["defaults", "headers"]);
  if (plan.from !== undefined && plan.each === undefined) {
    add(["from"], "rows need each, which says what call a row makes");
  }
  if (plan.each !== undefined && plan.from === undefined) {
    add(["each"], "needs from, which names the file of rows");
  }
  if (plan.calls.length === 0 && plan.from === undefined && plan.each === undefined) {
    add([], "the plan has no calls; list them under calls, or name a file of rows under from");
  }
  const first = new Map<string, number>();
  plan.calls.forEach(({ id }, index) => {
    if (id === undefined) return;
    const earlier = first.get(id);
    if (earlier === undefined) first.set(id, index);
    else add(["calls", index, "id"], alreadyUsed(id), ["calls", earlier, "id"]);
  });
  return issues;
}

/** A header that goes out with every call cannot come from two places. */
function headerTwice(
  auth: AuthPolicy | null | undefined,
  headers: Readonly<Record<string, string>>,
): string | undefined {
  const header = auth ? headerOf(auth) : undefined;
  if (header === undefined || headers[header] === undefined) return undefined;
  return `sets the header ${header}, and so do defaults.headers; keep one`;
}
