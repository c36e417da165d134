import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SenpuError } from "../../shared/errors.ts";

/** Of one custom response body. Source: AWS WAF developer guide, "AWS WAF quotas": 4 KB. */
export const MAX_BODY_BYTES = 4_096;

const PAGE = fileURLToPath(new URL("page.html", import.meta.url));

/**
 * What end users see during maintenance. AWS WAF keeps it in the web ACL, so it must be small, and whole without another
 * request, which would be answered by the same page.
 * Throws {@link SenpuError} `config` for a page that is too large, so that synthesis fails, not the deployment.
 */
export function readMaintenancePage(path: string = PAGE): string {
  const page = readFileSync(path, "utf8");
  const bytes = Buffer.byteLength(page);
  if (bytes <= MAX_BODY_BYTES) return page;
  throw new SenpuError(
    "config",
    `${path} has ${bytes} bytes; AWS WAF takes at most ${MAX_BODY_BYTES} for a response's body`,
  );
}
