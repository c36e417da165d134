import { DEFAULT_LANE } from "../../shared/model/lane.ts";
import { alreadyUsed } from "./identify.ts";

/** What concerns more than one field of a plan. */

interface Whole {
  readonly lanes: readonly { readonly name: string; readonly match: readonly string[] }[];
  readonly calls: readonly { readonly id: string | undefined }[];
  readonly from?: string | undefined;
  readonly each?: unknown;
}

interface Context {
  addIssue(issue: {
    code: "custom";
    message: string;
    path: (string | number)[];
    params?: { also: (string | number)[] };
  }): void;
}

export function checkWhole(plan: Whole, context: Context): void {
  const add = (path: (string | number)[], message: string, also?: (string | number)[]): void =>
    context.addIssue({
      code: "custom",
      path,
      message,
      ...(also === undefined ? {} : { params: { also } }),
    });

  for (const { name, match } of plan.lanes) {
    if (name === DEFAULT_LANE && match.length > 0) {
      add(
        ["lanes", name, "match"],
        "the lane default takes what no other matches; leave match out",
      );
    }
    if (name !== DEFAULT_LANE && match.length === 0) {
      add(
        ["lanes", name, "match"],
        "is missing; a glob over whole URLs, such as https://api.example.com/**",
      );
    }
  }
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
}
