import type { StateFolder } from "../../shared/state/state-folder.ts";

/**
 * A check looks at one thing of this machine and tells what it found. In: where to look. Out: findings, at least one.
 * It changes nothing, and hurts no run that is under way. What it throws is a problem of its own.
 */
export type Check = (examination: Examination) => readonly Finding[] | Promise<readonly Finding[]>;

export interface Examination {
  /** It may not exist. */
  readonly folder: StateFolder;
  /** A broker elsewhere; undefined: the folder's own. */
  readonly endpointUrl: string | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Look at every index entry of the databases too: several times as long. */
  readonly thorough: boolean;
  /** Told before something that takes a second or more. */
  readonly onSlow: (what: string) => void;
}

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
