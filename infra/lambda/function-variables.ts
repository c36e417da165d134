import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { HANDLER } from "../bundle/bundle.ts";

export interface FunctionSettings {
  readonly name: string;
  /** The bundle's folder. */
  readonly folder: string;
  readonly memoryMb: number;
}

const REGION = "us-east-1";

/**
 * The variables that Lambda sets in a function's process.
 * Source: Lambda developer guide, "Defined runtime environment variables".
 */
export function functionVariables(
  { name, folder, memoryMb }: FunctionSettings,
  runtimeApi: string,
): Record<string, string> {
  const functionName = `senpu-${name}`;
  const day = new Date().toISOString().slice(0, 10).replaceAll("-", "/");
  return {
    _HANDLER: HANDLER,
    AWS_DEFAULT_REGION: REGION,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${functionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `${day}/[$LATEST]${randomBytes(16).toString("hex")}`,
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    AWS_REGION: REGION,
    LAMBDA_RUNTIME_DIR: dirname(process.execPath),
    LAMBDA_TASK_ROOT: folder,
    LANG: "en_US.UTF-8",
    TZ: ":UTC",
  };
}

export function functionArn(name: string): string {
  return `arn:aws:lambda:${REGION}:000000000000:function:senpu-${name}`;
}
