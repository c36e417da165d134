import { isIP } from "node:net";

/** What a new plan is to say. */
export interface NewPlan {
  readonly name: string;
  /** Absolute; with placeholders such as `{{ id }}` where there are rows. */
  readonly url: string;
  readonly method: string;
  /** As `from` names it, from the plan's folder. */
  readonly from: string | undefined;
  /** Of the rows; none where they are not known. */
  readonly columns: readonly string[];
  /** Whose value is the call's id. */
  readonly idColumn: string | undefined;
  /** `20/s`. */
  readonly rate: string | undefined;
  readonly concurrency: number | undefined;
}

const DEFAULT_CONCURRENCY = 8;
const MAX_COLUMNS_SHOWN = 12;

/** The plan as YAML, with a remark for whatever a newcomer would ask. */
export function writePlan(plan: NewPlan): string {
  const { name, rate, concurrency = DEFAULT_CONCURRENCY } = plan;
  const host = hostOf(plan.url);
  const lane = host === undefined ? "default" : "api";
  return [
    "# Written by senpu init. `senpu schema` prints all that a plan may say, for editors.",
    `name: ${quote(name)}`,
    "",
    "lanes:",
    `  ${lane}:`,
    ...(host === undefined
      ? []
      : [`    match: ${quote(`${host.origin}/**`)} # the calls that share what follows`]),
    `    concurrency: ${concurrency} # calls in flight, over all workers together`,
    `    ${rate === undefined ? "# rate: 20/s" : `rate: ${rate}`} # calls started, over all workers together (/s, /m, /h)`,
    "",
    "defaults:",
    "  timeout: 10s # one attempt",
    '  # headers: { authorization: "Bearer ${env:API_TOKEN}" } # of the worker\'s environment; stored nowhere',
    "",
    "retry:",
    "  attempts: 5 # tries in all, the first included",
    "  # unsafe: true # repeat POST and PATCH, too, when nobody saw how they ended",
    "",
    ...(host !== undefined && isInternal(host.hostname)
      ? [
          `allow: [${quote(host.hostname)}] # an internal address that this plan is meant to call`,
          "",
        ]
      : []),
    "# tolerance: 5% # when more have failed than this, the run stops",
    "",
    ...writeCalls(plan),
    "",
  ].join("\n");
}

function writeCalls({ from, columns, idColumn, method, url }: NewPlan): string[] {
  const isGet = method === "GET";
  if (from === undefined) {
    return [
      "calls:",
      isGet
        ? `  - ${quote(url)} # a bare URL is a GET`
        : `  - { method: ${method}, url: ${quote(url)}, json: {} }`,
      '  # - { id: a1, method: POST, url: "https://…", json: { name: first } }',
    ];
  }
  const shown = columns.slice(0, MAX_COLUMNS_SHOWN).map(oneLine).join(", ");
  const other = columns.find((column) => column !== idColumn && isPlain(column)) ?? "column";
  return [
    `from: ${quote(from)} # a call a row`,
    ...(columns.length === 0
      ? []
      : [`# Its columns: ${shown}${columns.length > MAX_COLUMNS_SHOWN ? ", …" : ""}`]),
    "each:",
    idColumn === undefined
      ? '  # id: "{{ column }}" # one that stays the same; without it, it is derived from the call'
      : `  id: ${quote(placeholder(idColumn))} # stays the same, so that a call is known again`,
    `  ${isGet ? "# method: POST" : `method: ${method}`}`,
    `  url: ${quote(url)} # values are percent-encoded`,
    `  ${isGet ? "# " : ""}json: { ${quote(other)}: ${quote(columns.includes(other) ? placeholder(other) : "")} }`,
  ];
}

/** How a template names a column. */
export function placeholder(column: string): string {
  return isPlain(column) ? `{{ ${column} }}` : `{{ row['${column}'] }}`;
}

/** Can it be a name in a template as it is? */
function isPlain(column: string): boolean {
  return /^[A-Za-z_][\w-]*$/.test(column);
}

/** A JSON string is a YAML string. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

/** Undefined where a row decides the host. */
function hostOf(url: string): URL | undefined {
  const [, start] = /^(https?:\/\/[^/{?#]+)([/?#]|$)/i.exec(url) ?? [];
  return start === undefined ? undefined : (URL.parse(start) ?? undefined);
}

function isInternal(hostname: string): boolean {
  return hostname === "localhost" || isIP(hostname.replaceAll(/[[\]]/g, "")) !== 0;
}
