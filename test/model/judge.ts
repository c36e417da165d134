import { failedQueue } from "../../shared/broker/broker.ts";
import type { CallRow } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { decodeLetter } from "../../shared/model/letter.ts";
import { isUnsafe } from "../../shared/model/call.ts";
import type { PlanEntry } from "../../producer/plan/plan.ts";
import { gatherRows } from "../support/run-invariants.ts";
import { nameOf } from "./evidence.ts";
import { mayBeProcessed } from "./model-api.ts";
import type { Seen } from "./model-api.ts";
import { RUN } from "./world.ts";
import type { World } from "./world.ts";

/** What holds in the end, whatever befell. Each that does not is told with what breaks it. */
export async function judge(world: World): Promise<string[]> {
  const violations: string[] = [];
  const say = (invariant: string, what: string): void => {
    violations.push(`${invariant}: ${what}`);
  };
  for (const [run, plan] of world.plans) {
    if ((await world.ledger.findRun(run)) === undefined) continue;
    const figures = await world.ledger.figures(run, world.time.now);
    const rows = await gatherRows(world.ledger, run);
    const entries: PlanEntry[] = [];
    for await (const batch of plan.entries()) entries.push(...batch);
    judgeSums(world, figures, rows, entries, say);
    for (const row of rows) judgeCall(world, row, say);
    const urls = entries.map((entry) => ("invalid" in entry ? "" : entry.call.url));
    if (new Set(urls).size < urls.length) say("a replay makes each call once", urls.join(", "));
  }
  await judgeLetters(world, say);
  return violations;
}

type Say = (invariant: string, what: string) => void;

function judgeSums(
  world: World,
  figures: Figures,
  rows: readonly CallRow[],
  entries: readonly PlanEntry[],
  say: Say,
): void {
  const { run } = figures;
  const count = (state: string): number => rows.filter((row) => row.state === state).length;
  const model = world.evidence.run(run);
  const ids = new Set(entries.map((entry) => ("invalid" in entry ? "" : entry.call.id)));
  const expected: [string, unknown, unknown][] = [
    [
      "the sum",
      figures.planned,
      figures.succeeded + figures.failed + figures.cancelled + figures.pending,
    ],
    ["pending", figures.pending, 0],
    ["rows", rows.length, figures.planned],
    ["distinct ids", new Set(rows.map(({ id }) => id)).size, rows.length],
    ["duplicates", figures.duplicates, model.duplicates],
    ["attempts", figures.attempts, rows.reduce((sum, { attempts }) => sum + attempts, 0)],
    ["failures", figures.failures.reduce((sum, each) => sum + each.count, 0), figures.failed],
  ];
  for (const state of ["succeeded", "failed", "cancelled", "pending"] as const) {
    expected.push([`${state} in rows`, count(state), figures[state]]);
    expected.push([`${state} by what was told`, figures[state], model.count(state)]);
  }
  if (figures.state === "settled") expected.push(["planned", figures.planned, ids.size]);
  for (const [what, found, right] of expected) {
    if (found !== right) {
      say("the figures agree", `${run}: ${what} is ${String(found)}, not ${String(right)}`);
    }
  }
  for (const { id } of rows) if (!ids.has(id)) say("only planned calls have rows", `${run}/${id}`);
}

function judgeCall(world: World, row: CallRow, say: Say): void {
  const { evidence, history } = world;
  const { attempts: maxAttempts, retriesUnsafe } = history.plan;
  const name = nameOf(row.run, row.id);
  const seen = evidence.seen.get(name) ?? [];
  const told = evidence.outcomes.get(name) ?? [];
  const excuses = evidence.excuses(name);
  const answers = seen
    .map(
      ({ answer, answeredAt, process, at }) =>
        `${answer}${answeredAt === undefined ? ", late," : ""} to ${process.name} at ${at}`,
    )
    .join(", ");
  const what = `${name} ${row.method} is ${row.state} (${row.reason}) after ${row.attempts}, saw ${answers || "nothing"}; excuses ${excuses}`;

  if (row.state === "succeeded" && !seen.some(isWell)) {
    say("a call that succeeded was answered well", what);
  }
  if (row.state === "failed" && row.reason !== "unknown" && row.reason !== "abandoned") {
    if (seen.every(isWell)) {
      say("a call whose every attempt succeeded has not failed", what);
    }
  }
  const best = (["succeeded", "failed", "cancelled"] as const).find((state) =>
    told.some((outcome) => outcome.state === state),
  );
  if (row.state !== (best ?? "cancelled")) {
    say(
      "the best outcome that was told holds",
      `${what}; told ${told.map(({ state }) => state).join(", ")}`,
    );
  } else if (
    best !== undefined &&
    !told.some(({ state, attempts }) => state === row.state && attempts === row.attempts)
  ) {
    say("a row is what was told", what);
  }
  judgeAttempts(row, seen, { excuses, maxAttempts, what }, say);
  if (isUnsafe(row.method as "GET") && !retriesUnsafe) judgeUnsafe(seen, what, say);
  if (isUnsafe(row.method as "GET") && new Set(seen.map(({ key }) => key)).size > 1) {
    say("an unsafe call has one key", what);
  }
  const isSeenUnknown = seen.some(
    ({ answer, answeredAt }) => answeredAt === undefined || answer === "reset" || answer === 502,
  );
  if (row.reason === "unknown" && !isSeenUnknown && !evidence.unseen.has(name) && excuses === 0) {
    say("a call is unknown only where nobody can know", what);
  }
  if (row.reason === "abandoned" && excuses < 5) {
    say("a call is abandoned only after five deaths", what);
  }
}

function isWell({ answer, answeredAt }: Seen): boolean {
  return answer === 200 && answeredAt !== undefined;
}

function judgeAttempts(
  row: CallRow,
  seen: readonly Seen[],
  { excuses, maxAttempts, what }: { excuses: number; maxAttempts: number; what: string },
  say: Say,
): void {
  // What was cut when its worker ended was a try, and no failure.
  const cut = seen.filter(
    ({ answeredAt, process }) => answeredAt === undefined && process.isDead,
  ).length;
  if (row.attempts > maxAttempts + cut) say("no more attempts are told of than may be", what);
  const isGuess = row.reason === "unknown" || row.reason === "abandoned";
  if (row.attempts > seen.length && !isGuess) say("an attempt that is told of was made", what);
  const known = row.state === "cancelled" ? maxAttempts : row.attempts;
  if (seen.length > known + excuses * maxAttempts) {
    say("a call is made again only after what excuses it", what);
  }
}

/** Repeated only where it surely was not processed. */
function judgeUnsafe(seen: readonly Seen[], what: string, say: Say): void {
  if (seen.filter(mayBeProcessed).length > 1) say("an unsafe call is processed once", what);
}

/** What has failed for good can be made again: its letter is there, or a replay has it. */
async function judgeLetters(world: World, say: Say): Promise<void> {
  const letters = new Set<string>();
  for (const lane of await world.broker.lanes()) {
    for (const { body, attributes, sentAt } of world.broker.peek(failedQueue(lane))) {
      const { run, call } = decodeLetter({ body, attributes, sentAt });
      letters.add(nameOf(run, call.id));
    }
  }
  const replayed = new Set<string>();
  for (const [run, plan] of world.plans) {
    if (run === RUN || (await world.ledger.findRun(run))?.state !== "settled") continue;
    for await (const batch of plan.entries()) {
      for (const entry of batch) if ("call" in entry) replayed.add(entry.call.id);
    }
  }
  for (const run of world.plans.keys()) {
    if ((await world.ledger.findRun(run)) === undefined) continue;
    for (const { id, state, reason } of await gatherRows(world.ledger, run)) {
      if (state !== "failed" || letters.has(nameOf(run, id))) continue;
      if (run === RUN && replayed.has(id)) continue;
      say("a failed call has a letter", `${nameOf(run, id)} (${reason})`);
    }
  }
}
