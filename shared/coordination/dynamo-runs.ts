import type { Checkpoint, Held, HoldRequest, LaneLimit, RunControl } from "./coordination.ts";
import { documentOf, expiry } from "./dynamo-documents.ts";
import { isConditionFailed, keyOf, numberOf, textOf } from "./dynamo-table.ts";
import type { DynamoPatience } from "./dynamo-patience.ts";
import type { Condition, DynamoTable, Item, Key } from "./dynamo-table.ts";
import { OVER, holdCheckpoint } from "./hold.ts";

/** Time-to-live of controls and claims: longer than any run. */
const RUN_KEPT_MS = 60 * 24 * 3_600_000;
/** Of checkpoints: a message that could come back is gone by then. Source: SQS quotas, retention at most 14 days. */
const CHECKPOINT_KEPT_MS = 15 * 24 * 3_600_000;

const CONTROL = "control ";
const CHECKPOINTS = "checkpoints ";
/** All claims are one partition: every worker reads all of them at once. */
const CLAIMS = "claims";

const controlOf = (run: string): Key => ({ pk: `${CONTROL}${run}`, sk: "control" });
const claimOf = (run: string): Key => ({ pk: CLAIMS, sk: run });
/** A run's id has no slash. */
const checkpointOf = (chunk: string): Key => ({
  pk: `${CHECKPOINTS}${chunk.split("/", 1)[0]}`,
  sk: chunk,
});

/** What is kept of runs: their controls, the lanes that they claim, checkpoints of their chunks. All times are the store's. */
export class DynamoRuns {
  readonly #table: DynamoTable;
  readonly #patience: DynamoPatience;

  constructor(table: DynamoTable, patience: DynamoPatience) {
    this.#table = table;
    this.#patience = patience;
  }

  async controls(runs: readonly string[]): Promise<Map<string, RunControl>> {
    const keys = [...new Set(runs)].map(controlOf);
    const items = await this.#table.getMany("reading controls of runs", keys);
    return new Map(
      items.map((item) => [
        textOf(item, "pk").slice(CONTROL.length),
        {
          generation: numberOf(item, "generation"),
          state: textOf(item, "state") as RunControl["state"],
        },
      ]),
    );
  }

  /** Word of an older generation changes nothing. */
  async setControl(run: string, { generation, state }: RunControl, now: number): Promise<void> {
    const item = {
      generation: { N: String(generation) },
      state: { S: state },
      ...writtenAt(now, RUN_KEPT_MS),
    };
    const condition = {
      expression: "attribute_not_exists(pk) OR generation <= :generation",
      values: { ":generation": item.generation },
    };
    await this.#table
      .put(`setting the control of run ${run}`, controlOf(run), item, condition)
      .catch((error: unknown) => {
        if (!isConditionFailed(error)) throw error;
      });
  }

  async claim(run: string, lanes: readonly LaneLimit[], now: number): Promise<void> {
    // JSON has no Infinity.
    const json = lanes.map(({ concurrency, ...rest }) =>
      concurrency === Infinity ? rest : { ...rest, concurrency },
    );
    await this.#table.put(`claiming lanes for run ${run}`, claimOf(run), {
      json: { S: JSON.stringify(json) },
      ...writtenAt(now, RUN_KEPT_MS),
    });
  }

  async release(run: string): Promise<void> {
    await this.#table.removeIf(`releasing lanes of run ${run}`, claimOf(run));
  }

  async claims(): Promise<LaneLimit[]> {
    const items = await this.#table.query("reading lanes", CLAIMS);
    return items.flatMap((item) =>
      (documentOf(item) as Partial<LaneLimit>[]).map(
        (limit) => ({ concurrency: Infinity, ...limit }) as LaneLimit,
      ),
    );
  }

  async readCheckpoint(chunk: string): Promise<Checkpoint | undefined> {
    const item = await this.#table.get(`reading checkpoint ${chunk}`, checkpointOf(chunk));
    return item && (documentOf(item) as Checkpoint);
  }

  async writeCheckpoint(chunk: string, checkpoint: Checkpoint, now: number): Promise<boolean> {
    const { holder, revision = 0 } = checkpoint;
    // As `mayReplace` in hold.ts.
    const isNewer = "attribute_not_exists(revision) OR revision <= :revision";
    return this.#putCheckpoint(
      chunk,
      checkpoint,
      now,
      holder === undefined
        ? undefined
        : {
            expression: `attribute_not_exists(pk) OR (holder = :holder AND (${isNewer}))`,
            values: { ":holder": { S: holder }, ":revision": { N: String(revision) } },
          },
    );
  }

  async holdChunk(request: HoldRequest): Promise<Held> {
    const { chunk, now } = request;
    const what = `taking hold of chunk ${chunk}`;
    const startedAt = performance.now();
    for (let conflicts = 0; ; conflicts++) {
      const item = await this.#table.get(what, checkpointOf(chunk));
      const { held, value } = holdCheckpoint(item && (documentOf(item) as Checkpoint), request);
      if (value === undefined) return held;
      const unchanged: Condition =
        item === undefined
          ? { expression: "attribute_not_exists(pk)" }
          : { expression: "json = :json", values: { ":json": item["json"]! } };
      if (await this.#putCheckpoint(chunk, value, now, unchanged)) return held;
      await this.#patience.pause(what, conflicts, startedAt, "others have changed it each time");
    }
  }

  async endChunks(chunks: readonly string[], now: number): Promise<void> {
    for (const chunk of chunks) await this.#putCheckpoint(chunk, OVER, now);
  }

  /** False: the condition does not hold. */
  async #putCheckpoint(
    chunk: string,
    checkpoint: Checkpoint,
    now: number,
    condition?: Condition,
  ): Promise<boolean> {
    const { holder, revision = 0 } = checkpoint;
    const item: Item = {
      json: { S: JSON.stringify(checkpoint) },
      ...(holder === undefined ? {} : { holder: { S: holder }, revision: { N: String(revision) } }),
      ...writtenAt(now, CHECKPOINT_KEPT_MS),
    };
    try {
      await this.#table.put(`writing checkpoint ${chunk}`, checkpointOf(chunk), item, condition);
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  async checkpoints(run: string): Promise<Checkpoint[]> {
    const items = await this.#table.query(
      `reading checkpoints of run ${run}`,
      `${CHECKPOINTS}${run}`,
    );
    return items.map((item) => documentOf(item) as Checkpoint);
  }

  async removeCheckpoints(chunks: readonly string[]): Promise<void> {
    const keys = [...new Set(chunks)].map(checkpointOf);
    await this.#table.removeMany("removing checkpoints", keys);
  }

  /** Removes what a page of a scan holds of controls, with their run's claims, and checkpoints written before `before`. */
  async prune(page: readonly Item[], before: number): Promise<void> {
    const old = {
      expression: "writtenAt < :before",
      values: { ":before": { N: String(before) } },
    };
    for (const item of page) {
      const key = keyOf(item);
      const isControl = key.pk.startsWith(CONTROL);
      if (!isControl && !key.pk.startsWith(CHECKPOINTS)) continue;
      if (numberOf(item, "writtenAt") >= before) continue;
      const removed = await this.#table.removeIf("pruning runs", key, old);
      if (removed && isControl) await this.release(key.pk.slice(CONTROL.length));
    }
  }
}

function writtenAt(now: number, keptMs: number): Item {
  return { writtenAt: { N: String(now) }, expiresAt: { N: expiry(now + keptMs) } };
}
