import type { Finding } from "../../shared/finding.ts";
import type { StateFolder } from "../../shared/state/state-folder.ts";

export { nameSome, ok, problem, warning } from "../../shared/finding.ts";
export type { Finding, Health } from "../../shared/finding.ts";

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
