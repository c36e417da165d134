import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Broker } from "../../shared/broker/broker.ts";
import type { Coordination } from "../../shared/coordination/coordination.ts";
import { messageOf } from "../../shared/errors.ts";
import type { Ledger, OutboxRow } from "../../shared/ledger/ledger.ts";
import { toAttributeText } from "../../shared/model/attribute-text.ts";
import type { OnSettled } from "../../shared/model/on-settled.ts";
import { settledEvent } from "../../shared/model/settled-event.ts";
import type { SettledEvent } from "../../shared/model/settled-event.ts";
import { runCommand } from "./run-command.ts";
import { postWebhook } from "./webhook.ts";

export interface OutboxParts {
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly coordination: Coordination;
  /** The state folder, for commands; absent: commands are refused here, as in a function. */
  readonly state?: string | undefined;
  /** A line for a person. */
  readonly say: (line: string) => void;
}

/** How often it is looked for what somebody else left: `senpu cancel`, a recorder that died. */
const LOOK_MS = 1_000;
/** How long `finish` waits for the broker to take events; webhooks and commands have limits of their own. */
const FINISH_EVENTS_MS = 5_000;
/** What one recorder has taken on, no other does, until it is done, or so long after its death. */
const HOLD_MS = 5_000;
const RENEW_MS = HOLD_MS / 3;
const MAX_ATTRIBUTE_CHARS = 200;

/**
 * Tells the world of runs that have ended.
 *
 * In: rows that the ledger left in the transaction that ended the run. Out: the settled event on the outcomes topic, the
 * webhook, the command; each row is removed once it is done, or given up. So each is done at least once: a death in
 * between does it again, with the same id. Of several recorders one does it, by a lease of one slot under the row's name,
 * which ends soon after its holder.
 * States: idle ⇄ telling, several rows at once, so that a slow webhook holds up no event → finished.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly #name = `recorder-${process.pid}-${randomBytes(3).toString("hex")}`;
  readonly #telling = new Map<string, Promise<void>>();
  readonly #cut = new AbortController();
  /** Rows whose trouble was told of. */
  readonly #troubled = new Map<string, string>();
  #looking: Promise<void> | undefined;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** Looks at once; when it is looking already, that look may have been too early, and the next is soon. */
  look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Looks now and then, until the signal. Never rejects: what could not be told now is tried again. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // A ledger that fails ends the recorder by its main flow.
      await this.look().catch(() => {});
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Tells what is there now, each within its limits, and says what had to be left to the next recorder. */
  async finish(): Promise<void> {
    await this.#looking?.catch(() => {});
    await this.look();
    const stop = new AbortController();
    const events = [...this.#telling].filter(([id]) => !/\/(?:webhook|command)$/.test(id));
    await Promise.race([
      Promise.all(events.map(([, told]) => told)),
      sleep(FINISH_EVENTS_MS, undefined, { signal: stop.signal }).catch(() => {}),
    ]);
    stop.abort();
    const others = [...this.#telling].filter(([id]) => /\/(?:webhook|command)$/.test(id));
    await Promise.all(others.map(([, told]) => told));
    for (const [id] of events) {
      const why = this.#troubled.get(id) ?? "the broker has not answered";
      if (this.#telling.has(id) || this.#troubled.has(id)) {
        this.#parts.say(`event ${id} was not sent (${why}); the next recorder sends it`);
      }
    }
  }

  /** Time is up: webhooks and commands under way are broken off, and stay in the outbox. */
  cut(): void {
    this.#cut.abort();
  }

  async #lookOnce(): Promise<void> {
    for (const row of await this.#parts.ledger.outbox()) {
      if (this.#telling.has(row.id) || this.#cut.signal.aborted) continue;
      if (!(await this.#take(row))) continue;
      const renewal = setInterval(() => void this.#lease(row, 1).catch(() => {}), RENEW_MS);
      const told = this.#tell(row)
        .then(() => void this.#troubled.delete(row.id))
        .catch((error: unknown) => void this.#troubled.set(row.id, messageOf(error)))
        .finally(() => clearInterval(renewal))
        .then(() => this.#give(row))
        .finally(() => this.#telling.delete(row.id));
      this.#telling.set(row.id, told);
    }
  }

  async #tell(row: OutboxRow): Promise<void> {
    const { ledger } = this.#parts;
    const run = await ledger.findRun(row.run);
    if (run !== undefined) {
      const event = settledEvent(row, await ledger.figures(row.run, Date.now()));
      if (row.task === "event") await this.#publish(event);
      else {
        const { onSettled = {} } = JSON.parse(run.settings) as { readonly onSettled?: OnSettled };
        await this.#act(row.task, onSettled, event);
      }
    }
    await ledger.confirmOutbox([row.id]);
  }

  async #publish(event: SettledEvent): Promise<void> {
    const { run, state, name } = event;
    const told = toAttributeText(name, MAX_ATTRIBUTE_CHARS);
    const attributes = { kind: event.kind, run, state, ...(told === "" ? {} : { name: told }) };
    const body = JSON.stringify(event);
    await this.#parts.broker.publish("outcomes", [{ body, attributes, isPlain: true }]);
  }

  /** What fails for good is given up here, with a line and a note; it changes nothing of the run. */
  async #act(
    task: "webhook" | "command",
    onSettled: OnSettled,
    event: SettledEvent,
  ): Promise<void> {
    const { ledger, say } = this.#parts;
    const { signal } = this.#cut;
    try {
      if (task === "webhook") await postWebhook(onSettled, event, signal);
      else await this.#command(onSettled, event);
    } catch (error) {
      if (signal.aborted) throw error;
      const why = messageOf(error);
      const what = task === "webhook" ? "webhook" : `command ${onSettled.command?.[0]}`;
      say(
        `run ${event.run} is ${event.state}, but the ${what} of onSettled failed: ${why}. ` +
          `It is not tried again; the figures stand in the ledger: senpu status ${event.run} --json`,
      );
      await ledger.noteFailure(event.run, `${task} failed`, `${this.#name}: ${why}`, Date.now());
    }
  }

  async #command({ command = [] }: OnSettled, event: SettledEvent): Promise<void> {
    const { state } = this.#parts;
    if (state === undefined) {
      throw new Error("a function runs no commands; give a webhook, or subscribe to the event");
    }
    await runCommand({ command, event, state, signal: this.#cut.signal });
  }

  /** False: another recorder is at it. Without coordination, rather twice than never. */
  async #take(row: OutboxRow): Promise<boolean> {
    return (await this.#lease(row, 1).catch(() => 1)) > 0;
  }

  async #give(row: OutboxRow): Promise<void> {
    await this.#lease(row, 0).catch(() => {});
  }

  #lease(row: OutboxRow, wanted: number): Promise<number> {
    return this.#parts.coordination.lease({
      lane: `outbox ${row.id}`,
      worker: this.#name,
      wanted,
      held: 0,
      limit: 1,
      ttlMs: HOLD_MS,
      now: Date.now(),
    });
  }
}
