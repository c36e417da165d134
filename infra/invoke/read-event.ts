import { readFileSync } from "node:fs";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import { readProducerEvent } from "../../shared/lambda/producer-event.ts";
import { readSqsEvent } from "../../shared/lambda/sqs-event.ts";
import type { RunFunctionName } from "../bundle/functions.ts";

/** Throws {@link SenpuError}: `usage` when the file holds no JSON, `message` when the function takes no such event. */
export function readEvent(path: string, name: RunFunctionName): unknown {
  const event = parse(path);
  try {
    if (name === "producer") readProducerEvent(event);
    else if (!isHousekeeping(event, name)) readSqsEvent(event);
  } catch (error) {
    if (!(error instanceof SenpuError)) throw error;
    throw new SenpuError(error.code, `${path}: ${error.message}${advice(name, path)}`, {
      cause: error,
    });
  }
  return event;
}

function parse(path: string): unknown {
  try {
    // 0 is standard input.
    return JSON.parse(readFileSync(path === "-" ? 0 : path, "utf8"));
  } catch (cause) {
    throw new SenpuError("usage", `--event ${path}: ${messageOf(cause)}; give a file of JSON`, {
      cause,
    });
  }
}

function isHousekeeping(event: unknown, name: RunFunctionName): boolean {
  return name === "recorder" && (event as { task?: unknown } | null)?.task === "housekeeping";
}

function advice(name: RunFunctionName, path: string): string {
  return name === "consumer"
    ? `; senpu invoke consumer --sample PLAN -o ${path === "-" ? "FILE" : path} writes one`
    : "";
}
