/** The switch as AWS WAF knows it: what its maintenance rule does with whoever is no developer. */
export type Switch = "on" | "off";

export const MAINTENANCE_BODY = "maintenance";

/** For clients and search engines; the page says the same in words. */
const RETRY_AFTER_SECONDS = 600;

/**
 * The rule's action, in the words that CloudFormation and AWS WAF share, so that a deployment and `--now` do the same.
 * Off, the rule counts and lets pass: an action is changed in one request, while a rule that came and went would have
 * to be put in its place among the others.
 */
export function maintenanceAction(position: Switch): MaintenanceAction {
  if (position === "off") return { Count: {} };
  return {
    Block: {
      CustomResponse: {
        ResponseCode: 503,
        CustomResponseBodyKey: MAINTENANCE_BODY,
        ResponseHeaders: [
          { Name: "Retry-After", Value: String(RETRY_AFTER_SECONDS) },
          { Name: "Cache-Control", Value: "no-store" },
        ],
      },
    },
  };
}

/** Assignable to the SDK's `RuleAction`. */
export interface MaintenanceAction {
  Count?: Record<string, never>;
  Block?: {
    CustomResponse: {
      ResponseCode: number;
      CustomResponseBodyKey: string;
      ResponseHeaders: { Name: string; Value: string }[];
    };
  };
}
