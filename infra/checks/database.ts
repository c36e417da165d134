import { resourcesOf } from "./template.ts";
import type { Check } from "./template.ts";

/**
 * A database whose version somebody else may change (L6): with minor upgrades by AWS, an exact version in the template is
 * soon not the one that runs, and cannot be deployed any more; a major upgrade by CloudFormation that fails leaves a stack
 * that cannot be repaired. Source: RDS user guide, "Upgrades of the RDS for PostgreSQL DB engine".
 */
export const checkDatabase: Check = (template) =>
  resourcesOf(template, "AWS::RDS::DBInstance").flatMap(([id, { Properties = {} }]) => {
    const version = Properties["EngineVersion"];
    const isExact = typeof version === "string" && version.includes(".");
    return [
      ...(isExact ? [] : [`${id}: its EngineVersion is not exact: ${String(version)}`]),
      ...(Properties["AutoMinorVersionUpgrade"] === false
        ? []
        : [`${id}: AWS upgrades it past ${String(version)}; set AutoMinorVersionUpgrade to false`]),
      ...(Properties["AllowMajorVersionUpgrade"] === true
        ? [
            `${id}: a change of its version is a major upgrade without asking; the runbook says how to do one`,
          ]
        : []),
    ];
  });
