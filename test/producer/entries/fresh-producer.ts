import { randomUUID } from "node:crypto";
import { onTestFinished, vi } from "vitest";
import type { Published } from "../../../producer/entries/published.ts";

/** The producer's handler in an environment that has just started, with these variables for as long as the test takes. */
export async function startProducer(
  variables: Readonly<Record<string, string>>,
): Promise<(event: unknown) => Promise<Published>> {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.resetModules();
  const { handler } = await import("../../../producer/entries/lambda-producer.ts");
  return (event) =>
    handler(event, {
      awsRequestId: randomUUID(),
      logStreamName: "test",
      getRemainingTimeInMillis: () => 60_000,
    });
}

/** A schedule's input, fired at that hour of a day, with a plan of so many calls. */
export function firedAt(hour: number, overlap: string, calls = 3): Record<string, unknown> {
  const urls = Array.from({ length: calls }, (_, index) => `http://127.0.0.1/${index}`);
  const time = `2026-11-22T${String(hour).padStart(2, "0")}:00:00Z`;
  return { plan: { calls: urls }, name: "nightly", time, overlap };
}

export const runAt = (hour: number): string =>
  `nightly-20261122t${String(hour).padStart(2, "0")}0000`;
