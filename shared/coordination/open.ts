import type { Deployment } from "../deployment/deployment.ts";
import { environmentVariable } from "../environment.ts";
import type { Coordination } from "./coordination.ts";

/**
 * The one place that decides where coordination is kept: in the table of a deployment that was found by its environment's
 * name; in the DynamoDB table that `SENPU_COORDINATION_TABLE` names, so
 * that workers on many machines can share it, or else in a SQLite file of this machine. Only what is chosen is loaded.
 *
 * `AWS_ENDPOINT_URL_DYNAMODB` names another endpoint than AWS's, as it does for every AWS SDK; a missing table is made there.
 * `file` is asked only where it is used: a function that has the table needs no folder. Throws SenpuError `coordination`.
 */
export async function openCoordination(
  file: () => string,
  deployment?: Pick<Deployment, "coordinationTable" | "region">,
): Promise<Coordination> {
  const table = deployment?.coordinationTable ?? environmentVariable("SENPU_COORDINATION_TABLE");
  if (table === undefined || table === "") {
    const { openSqliteCoordination } = await import("./sqlite-coordination.ts");
    return openSqliteCoordination(file());
  }
  const { openDynamoCoordination } = await import("./dynamo-coordination.ts");
  return openDynamoCoordination({
    table,
    endpointUrl: environmentVariable("AWS_ENDPOINT_URL_DYNAMODB"),
    region: deployment?.region,
  });
}
