/** What a stack's status means for whoever wants to deploy it. Source: CloudFormation user guide, "Stack status codes". */
export type Standing =
  /** There is none yet. */
  | "new"
  /** May be updated. */
  | "ready"
  /** Something is being done to it. */
  | "busy"
  /** Its first deployment failed: it holds nothing, and the CDK deletes it and makes it anew. */
  | "failed at first"
  /** A person has to mend it before anything else is possible. */
  | "stuck";

/** `status`: undefined where CloudFormation knows no stack of that name. */
export function standingOf(status: string | undefined): Standing {
  if (status === undefined || status === "DELETE_COMPLETE" || status === "REVIEW_IN_PROGRESS") {
    return "new";
  }
  if (status.endsWith("_IN_PROGRESS")) return "busy";
  if (status === "ROLLBACK_COMPLETE" || status === "ROLLBACK_FAILED") return "failed at first";
  return status.endsWith("_COMPLETE") ? "ready" : "stuck";
}

/** Of a stack, as far as what is to be done about it depends on it. */
export interface StackPlace {
  readonly id: string;
  readonly stackName: string;
  readonly region: string;
  /** The assembly's folder, from the project's. */
  readonly assembly: string;
  /** The line that deploys it again. */
  readonly again: string;
}

/** What a deployment that did not succeed has left, and the command that goes on. */
export function whatNow(status: string | undefined, place: StackPlace): string {
  const { id, stackName, region, assembly, again } = place;
  switch (status) {
    case "UPDATE_ROLLBACK_COMPLETE":
    case "IMPORT_ROLLBACK_COMPLETE":
      return `it is as it was before. When the cause is mended: ${again}`;
    case "ROLLBACK_COMPLETE":
      return `nothing of it is left, and the next deployment makes it anew. When the cause is mended: ${again}`;
    case "ROLLBACK_FAILED":
      return `what was made could not all be removed; the next deployment tries that first. When the cause is mended: ${again}`;
    case "UPDATE_ROLLBACK_FAILED":
    case "UPDATE_FAILED":
    case "CREATE_FAILED":
      return `it cannot be deployed until it is rolled back: npx cdk rollback ${id} --app ${assembly} (--orphan LOGICAL_ID leaves out what hinders it), then ${again}`;
    case "DELETE_FAILED":
      return `it cannot be deployed until it is gone: aws cloudformation delete-stack --stack-name ${stackName} --region ${region}, then ${again}`;
    case "CREATE_COMPLETE":
    case "UPDATE_COMPLETE":
    case "IMPORT_COMPLETE":
      return `it is as it was before. When the cause is mended: ${again}`;
    case undefined:
    case "DELETE_COMPLETE":
    case "REVIEW_IN_PROGRESS":
      return `nothing of it was made. When the cause is mended: ${again}`;
    default:
      return `AWS goes on with it; this waits for it and goes on: ${again}`;
  }
}
