import type { Paint } from "../../shared/terminal/color.ts";
import { cutMiddle, wrap } from "../../shared/terminal/fit.ts";
import { formatCount, formatQuantity } from "../../shared/terminal/format.ts";
import { isChanged } from "./changes.ts";
import type { Action, ResourceChange, SecurityChange, StackChanges } from "./changes.ts";

export interface RenderOptions {
  readonly columns: number;
  readonly paint: Paint;
  /** Lists what a new stack adds, and each permission, one by one. */
  readonly full: boolean;
}

const SIGNS: Readonly<Record<Action, string>> = {
  add: "+",
  change: "~",
  "may replace": "?",
  replace: "!",
  remove: "-",
  "leave behind": "-",
};

const WORDS: Readonly<Record<Action, string>> = {
  add: "added",
  change: "changed",
  "may replace": "perhaps replaced",
  replace: "replaced",
  remove: "removed",
  "leave behind": "left behind",
};

const INDENT = "  ";
const DEEPER = "      ";
/** Of permissions, unless all are wanted. */
const MOST_SECURITY = 12;

/** One stack: how much of what, then each change, what is lost last, then who may do more or less. */
export function renderChanges(changes: StackChanges, options: RenderOptions): string[] {
  const { stack, stackName, region, isNew, resources, security, others } = changes;
  const { columns, paint, full } = options;
  const head = `${stack}: ${stackName} in ${region}`;
  if (!isChanged(changes)) return [`${head}, unchanged`];
  const counts = (Object.keys(WORDS) as Action[]).flatMap((action) => {
    const count = resources.filter((one) => one.action === action).length;
    return count === 0 ? [] : [`${formatCount(count)} ${WORDS[action]}`];
  });
  if (others > 0) {
    counts.push(formatQuantity(others, "output or parameter", "outputs or parameters"));
  }
  const listed =
    isNew && !full
      ? countTypes(resources, columns)
      : resources.flatMap((one) => renderOne(one, options));
  return [
    paint.bold(cutMiddle(head, columns)),
    ...wrap(`${isNew ? "new: " : ""}${counts.join(", ")}`, columns - 2).map(
      (line) => INDENT + line,
    ),
    ...listed,
    ...renderSecurity(security, isNew, options),
  ];
}

function renderOne(change: ResourceChange, { columns, paint }: RenderOptions): string[] {
  const { action, type, path, properties, holdsState } = change;
  const word = action === "add" || action === "change" ? "" : `, ${WORDS[action]}`;
  const state = holdsState && action !== "add" ? ", HOLDS STATE" : "";
  const tail = `${type.replace(/^AWS::/, "")}${word}${state}`;
  const room = columns - INDENT.length - 2 - tail.length - 2;
  // A path that has no room beside what it is has a line of its own.
  const line =
    room >= Math.min(path.length, 20)
      ? [`${SIGNS[action]} ${cutMiddle(path, room)}  ${tail}`]
      : [
          `${SIGNS[action]} ${cutMiddle(path, columns - 4)}`,
          `  ${INDENT}${cutMiddle(tail, columns - 6)}`,
        ];
  const more =
    properties.length === 0
      ? []
      : wrap(properties.join(", "), columns - DEEPER.length).map((part) => DEEPER + part);
  return [...line.map((part) => paintAction(action, INDENT + part, paint)), ...more];
}

/** `+ 12 SQS::Queue, 5 Lambda::Function`: of a new stack, nobody wants a hundred lines. */
function countTypes(resources: readonly ResourceChange[], columns: number): string[] {
  const counts = new Map<string, number>();
  for (const { type } of resources) counts.set(type, (counts.get(type) ?? 0) + 1);
  const parts = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([type, count]) => `${formatCount(count)} ${type.replace(/^AWS::/, "")}`);
  return wrap(parts.join(", "), columns - 4).map(
    (line, index) => (index === 0 ? "  + " : "    ") + line,
  );
}

function renderSecurity(
  security: readonly SecurityChange[],
  isNew: boolean,
  { columns, paint, full }: RenderOptions,
): string[] {
  if (security.length === 0) return [];
  const head = `${INDENT}who may do what: ${formatQuantity(security.length, "change")}`;
  if (isNew && !full) return [`${head}, all of them new; --full lists each`];
  const shown = full ? security : security.slice(0, MOST_SECURITY);
  const lines = shown.flatMap(({ action, what }) =>
    wrap(what, columns - DEEPER.length).map((line, index) => {
      const sign = action === "add" ? "+" : "-";
      const text = index === 0 ? `    ${sign} ${line}` : DEEPER + line;
      return action === "add" ? paint.yellow(text) : text;
    }),
  );
  const rest = security.length - shown.length;
  return [
    head,
    ...lines,
    ...(rest > 0 ? [`${DEEPER}and ${formatCount(rest)} more; --full lists each`] : []),
  ];
}

function paintAction(action: Action, line: string, paint: Paint): string {
  if (action === "add") return paint.green(line);
  return action === "change" ? line : paint.red(line);
}
