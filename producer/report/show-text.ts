import { cutMiddle, plainLine } from "../../shared/terminal/fit.ts";
import { mask } from "./mask.ts";

/** More of a URL or an error than this helps nobody, and a page must stay small whatever a call holds. */
const MAX_SHOWN = 300;
/** So much is looked at; the rest cannot matter for what is shown, but for the end. */
const MAX_LOOKED_AT = 4_000;

/** Text from a plan, an API or a ledger as one harmless line: masked, without controls, not too long. */
export function showText(text: string, maxLength = MAX_SHOWN): string {
  return cutMiddle(plainLine(mask(text.slice(0, MAX_LOOKED_AT)).toWellFormed()), maxLength);
}
