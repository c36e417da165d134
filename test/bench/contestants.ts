import { fileURLToPath } from "node:url";
import type { Figures } from "../../shared/model/figures.ts";
import type { EntryOptions, EntryResult } from "./contestants/entry.ts";
import { startRedis, whyNoRedis } from "./redis.ts";
import type { Scratch } from "./scratch.ts";
import { SENPU, writePlan } from "./senpu-plan.ts";

export interface Contestant {
  readonly name: string;
  readonly title: string;
  /** How many of a whole run's calls it makes, so that slow ones end in time. */
  readonly calls: (calls: number) => number;
  /** Why it cannot take part here; undefined where it can. */
  readonly whyNot?: () => string | undefined;
  prepare(setting: Setting): Promise<Prepared>;
}

export interface Setting {
  readonly scratch: Scratch;
  readonly url: string;
  readonly calls: number;
  readonly concurrency: number;
}

/** One round of one contestant, ready to be started and measured. */
export interface Prepared {
  /** What Node is to run. */
  readonly args: readonly string[];
  readonly companions?: readonly number[];
  readResult(stdout: string): EntryResult;
  cleanUp(): Promise<void>;
}

/** The yardstick that ratios are of. */
export const BARE = "bare";
export const SENPU_NAME = "senpu";

/** A run shorter than this would be mostly start. */
const MIN_CALLS = 1_000;

const all = (calls: number): number => calls;
const share = (part: number) => (calls: number) =>
  Math.min(calls, Math.max(MIN_CALLS, Math.round(calls / part)));

export const CONTESTANTS: readonly Contestant[] = [
  {
    name: BARE,
    title: "undici.request loop",
    calls: all,
    prepare: (setting) => prepareEntry("undici-request", setting),
  },
  {
    name: "dispatch",
    title: "undici.dispatch loop",
    calls: all,
    prepare: (setting) => prepareEntry("undici-dispatch", setting),
  },
  { name: SENPU_NAME, title: "senpu run", calls: all, prepare: prepareSenpu },
  {
    name: "sqs-consumer",
    title: "sqs-consumer, 1/msg",
    calls: share(4),
    prepare: (setting) => prepareEntry("sqs-consumer", setting),
  },
  {
    name: "sqs-consumer-10",
    title: "sqs-consumer, 10/msg",
    calls: all,
    prepare: (setting) => prepareEntry("sqs-consumer", setting, { callsPerMessage: 10 }),
  },
  {
    name: "bullmq",
    title: "BullMQ on Redis",
    calls: share(5),
    whyNot: whyNoRedis,
    prepare: prepareBullmq,
  },
];

/** One run of `senpu run` as a user starts it, in a state folder of its own. */
export async function prepareSenpu({
  scratch,
  url,
  calls,
  concurrency,
}: Setting): Promise<Prepared> {
  const folder = scratch.makeFolder("senpu");
  const plan = await writePlan(folder, { url, calls, concurrency });
  return {
    args: [SENPU, "run", plan, "--json", "--quiet", "--state", `${folder}/state`],
    readResult: (stdout) => {
      const figures = JSON.parse(stdout) as Figures;
      return { succeeded: figures.succeeded, insideMs: figures.elapsedMs };
    },
    cleanUp: async () => scratch.removeFolder(folder),
  };
}

async function prepareEntry(
  entry: string,
  { scratch, url, calls, concurrency }: Setting,
  more: Partial<EntryOptions> = {},
): Promise<Prepared> {
  const folder = scratch.makeFolder(entry);
  const options: EntryOptions = { url, calls, concurrency, folder, ...more };
  const path = fileURLToPath(new URL(`./contestants/${entry}.ts`, import.meta.url));
  return {
    args: ["--disable-warning=ExperimentalWarning", path, JSON.stringify(options)],
    readResult: (stdout) => JSON.parse(stdout) as EntryResult,
    cleanUp: async () => scratch.removeFolder(folder),
  };
}

/** Redis runs already, as it does where BullMQ is used; its memory counts, its start does not. */
async function prepareBullmq(setting: Setting): Promise<Prepared> {
  const redis = await startRedis(setting.scratch);
  const prepared = await prepareEntry("bullmq", setting, { redisPort: redis.port });
  return {
    ...prepared,
    companions: [redis.pid],
    cleanUp: async () => {
      await redis.stop();
      await prepared.cleanUp();
    },
  };
}
