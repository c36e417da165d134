import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createBroker } from "../../../shared/broker/aws-broker.ts";
import type { BrokerOptions } from "../../../shared/broker/aws-broker.ts";
import type { Broker } from "../../../shared/broker/broker.ts";
import { startFauxqs } from "../../../shared/broker/fauxqs-broker.ts";
import type { FauxqsOptions, RunningFauxqs } from "../../../shared/broker/fauxqs-broker.ts";

/** All of these are gone when the test has ended. */

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "senpu-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export async function startEmbedded(options: Partial<FauxqsOptions> = {}): Promise<RunningFauxqs> {
  const embedded = await startFauxqs({ dataDir: options.dataDir ?? temporaryFolder(), ...options });
  onTestFinished(() => embedded.stop());
  return embedded;
}

export function connect(endpointUrl: string, options: BrokerOptions = {}): Broker {
  const broker = createBroker({ endpointUrl, ...options });
  onTestFinished(() => broker.close());
  return broker;
}

/** Starts a long poll whose client then dies; resolves when the broker must have noticed both. */
export async function pollAndDie(endpointUrl: string, queueUrl: string): Promise<void> {
  const poll = request(endpointUrl, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": "AmazonSQS.ReceiveMessage",
    },
  });
  poll.on("error", () => {});
  poll.end(JSON.stringify({ QueueUrl: queueUrl, WaitTimeSeconds: 20 }));
  await once(poll, "finish");
  await turn(endpointUrl);
  // `once` of node:events would reject: to a dying client its own death is an error.
  const dead = new Promise((resolve) => poll.once("close", resolve));
  poll.destroy();
  await dead;
  await turn(endpointUrl);
}

/** The broker serves one request after another: some answered requests later, what came before them has arrived. */
async function turn(endpointUrl: string): Promise<void> {
  for (let n = 0; n < 5; n++) await (await fetch(`${endpointUrl}/health`)).text();
}

/** An address of this machine that only a server on all interfaces answers at; undefined where there is none. */
export function otherAddress(): string | undefined {
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === "IPv4" && !address.internal);
  // All of 127.0.0.0/8 is this machine on Linux.
  return outside?.address ?? (process.platform === "linux" ? "127.0.0.2" : undefined);
}

/** Commits in the write-ahead log. Source: SQLite file format, 4.1: a frame that commits tells the size of the file. */
export function countCommits(dataDir: string): number {
  const log = readFileSync(join(dataDir, "fauxqs.db-wal"));
  const frameBytes = 24 + log.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + frameBytes <= log.length; at += frameBytes) {
    if (log.readUInt32BE(at + 4) > 0) commits++;
  }
  return commits;
}
