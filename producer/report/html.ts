/** HTML of which every value has been escaped, unless it is itself such HTML. */
export class Html {
  readonly text: string;

  /** Only for text that is known to be HTML. */
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Html | readonly Html[] | false | null | undefined;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** What stands between tags, or between the quotes of an attribute. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** A template whose values cannot end a tag, an attribute or the element they stand in. Nothing for `false` and null. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  let text = parts[0]!;
  values.forEach((value, index) => {
    text += render(value) + parts[index + 1]!;
  });
  return new Html(text);
}

function render(value: Value): string {
  if (value === false || value === null || value === undefined) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("");
  return escapeHtml(String(value));
}

/** JSON that no HTML parser takes for the end of its script element, or for a comment's beginning. */
export function jsonForScript(value: unknown): Html {
  const json = JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return new Html(json);
}
