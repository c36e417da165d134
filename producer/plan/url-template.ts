import { Fault, show } from "../../shared/document/fault.ts";
import {
  type Placeholder,
  type Row,
  type Template,
  parseTemplate,
  readText,
  renderTemplate,
} from "./template.ts";
import { normaliseForeignUrl, normaliseUrl } from "./url.ts";

type Piece = Template[number];
type Position = "host" | "path" | "query";

/** A URL with placeholders; each value is escaped for the part of the URL that it stands in. */
export interface UrlTemplate {
  readonly template: Template;
  /** Where the placeholder at an index stands; `whole`: the row gives the URL. */
  readonly positions: "whole" | readonly (Position | undefined)[];
  /** Segments of its path that are `.` or `..` whatever the rows say. */
  readonly dotSegments: number;
}

/** Throws a {@link Fault} for what cannot become a URL whatever the rows say. */
export function parseUrlTemplate(text: string): UrlTemplate {
  const template = parseTemplate(text);
  const [first] = template;
  if (template.length === 1 && typeof first === "object") {
    return { template, positions: "whole", dotSegments: 0 };
  }
  if (typeof first === "object") {
    throw new Fault(`${show(text)} must begin with https:// or http://, or be one placeholder`);
  }
  // With a stand-in that is good as host, port, path and query, so that mistakes of the plan are the plan's.
  const standIn = template.map((piece) => (typeof piece === "string" ? piece : "1")).join("");
  normaliseUrl(standIn);
  if (template.length > 1 && !/^https?:\/\//i.test(first ?? "")) {
    throw new Fault(`${show(text)}: no placeholder can stand in a URL's scheme`);
  }
  let position: Position = "host";
  const positions = template.map((piece, index) => {
    if (typeof piece === "object") {
      if (position === "host" && lengthensHost(template[index - 1], template[index + 1])) {
        throw new Fault(
          `${show(text)}: ${piece.text} would make the host's name longer; write a / before it`,
        );
      }
      return position;
    }
    position = positionAfter(position, index === 0 ? piece.replace(/^https?:\/\//i, "") : piece);
    return undefined;
  });
  return { template, positions, dotSegments: countDotSegments(standIn) };
}

/** In `https://a.example{{ path }}` a row that said `.evil.example` would lead the call, with all it carries, elsewhere. */
function lengthensHost(before: Piece | undefined, after: Piece = "/"): boolean {
  return (
    typeof before === "string" &&
    /[\w}]$/.test(before) &&
    (typeof after !== "string" || /^[/?#\\]/.test(after))
  );
}

function positionAfter(position: Position, text: string): Position {
  if (position === "query" || /[?#]/.test(text)) return "query";
  return position === "path" || /[/\\]/.test(text) ? "path" : "host";
}

/** The row's URL, normalised. Throws a {@link Fault} where a value is missing or would change the URL's shape. */
export function renderUrl({ template, positions, dotSegments }: UrlTemplate, row: Row): string {
  if (positions === "whole") {
    return normaliseForeignUrl(readText(template[0] as Placeholder, row).trim());
  }
  const url = renderTemplate(template, row, (placeholder, row, index) =>
    encodeValue(readText(placeholder, row), positions[index]!, placeholder),
  );
  // Each value by itself is none, but two of them, or one beside a dot of the plan's, may be.
  if (countDotSegments(url) !== dotSegments) {
    throw new Fault(`${show(url)} would lead to another path, by its "." or ".."`);
  }
  return normaliseUrl(url);
}

/** As the URL parser sees them (WHATWG URL, "double-dot URL path segment"). */
function countDotSegments(url: string): number {
  const [path = ""] = url.split(/[?#]/, 1);
  return path.match(DOT_SEGMENT)?.length ?? 0;
}

const DOT_SEGMENT = /(?<=[/\\])(?:\.|%2e){1,2}(?=[/\\]|$)/gi;

function encodeValue(value: string, position: Position, placeholder: Placeholder): string {
  if (position === "host") {
    if (/^[A-Za-z0-9.-]+(:\d+)?$/.test(value)) return value;
    throw new Fault(`${placeholder.text} is ${show(value)}, which is no host name`);
  }
  if (position === "path" && (value === "" || value === "." || value === "..")) {
    throw new Fault(`${placeholder.text} is ${show(value)}, which would lead to another path`);
  }
  try {
    return encodeURIComponent(value);
  } catch (cause) {
    throw new Fault(`${placeholder.text} is ${show(value)}, which is no well-formed text`, {
      cause,
    });
  }
}
