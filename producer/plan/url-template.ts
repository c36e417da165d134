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

type Position = "host" | "path" | "query";

/** A URL with placeholders; each value is escaped for the part of the URL that it stands in. */
export interface UrlTemplate {
  readonly template: Template;
  /** Where the placeholder at an index stands; `whole`: the row gives the URL. */
  readonly positions: "whole" | readonly (Position | undefined)[];
}

/** Throws a {@link Fault} for what cannot become a URL whatever the rows say. */
export function parseUrlTemplate(text: string): UrlTemplate {
  const template = parseTemplate(text);
  const [first] = template;
  if (template.length === 1 && typeof first === "object") return { template, positions: "whole" };
  if (typeof first === "object") {
    throw new Fault(`${show(text)} must begin with https:// or http://, or be one placeholder`);
  }
  // With a stand-in that is good as host, port, path and query, so that mistakes of the plan are the plan's.
  normaliseUrl(template.map((piece) => (typeof piece === "string" ? piece : "1")).join(""));
  if (template.length > 1 && !/^https?:\/\//i.test(first ?? "")) {
    throw new Fault(`${show(text)}: no placeholder can stand in a URL's scheme`);
  }
  let position: Position = "host";
  const positions = template.map((piece, index) => {
    if (typeof piece === "object") return position;
    position = positionAfter(position, index === 0 ? piece.replace(/^https?:\/\//i, "") : piece);
    return undefined;
  });
  return { template, positions };
}

function positionAfter(position: Position, text: string): Position {
  if (position === "query" || /[?#]/.test(text)) return "query";
  return position === "path" || /[/\\]/.test(text) ? "path" : "host";
}

/** The row's URL, normalised. Throws a {@link Fault} where a value is missing or would change the URL's shape. */
export function renderUrl({ template, positions }: UrlTemplate, row: Row): string {
  if (positions === "whole") {
    return normaliseForeignUrl(readText(template[0] as Placeholder, row).trim());
  }
  return normaliseUrl(
    renderTemplate(template, row, (placeholder, row, index) =>
      encodeValue(readText(placeholder, row), positions[index]!, placeholder),
    ),
  );
}

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
