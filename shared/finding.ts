/** What `senpu doctor` has found, on this machine or in a deployment. */

/** `problem`: something is broken, or will not work. `warning`: works, and is worth a look. */
export type Health = "ok" | "warning" | "problem";

/** An entry of `checks` in `senpu doctor --json`. */
export interface Finding {
  readonly name: string;
  readonly state: Health;
  readonly found: string;
  /** What to do; null where nothing is to be done. */
  readonly advice: string | null;
  /** A store elsewhere did not answer: the command ends with 3. */
  readonly unreachable?: true;
}

export function ok(name: string, found: string): Finding {
  return { name, state: "ok", found, advice: null };
}

export function warning(name: string, found: string, advice: string): Finding {
  return { name, state: "warning", found, advice };
}

export function problem(name: string, found: string, advice: string): Finding {
  return { name, state: "problem", found, advice };
}

/** `one, two, three and 4 more`. */
export function nameSome(names: readonly string[], most = 3): string {
  const rest = names.length - most;
  return `${names.slice(0, most).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
