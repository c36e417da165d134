import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import type { CallRow } from "../../shared/ledger/ledger.ts";
import { startChaosProxy } from "../support/chaos-proxy.ts";
import type { ChaosProxy } from "../support/chaos-proxy.ts";
import { callRowSchema, figuresSchema, parseJsonLines } from "../support/figures-schema.ts";
import { startMisbehavingServer } from "../support/misbehaving-server.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import { SenpuProcess } from "../support/senpu-process.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { Dice } from "./dice.ts";
import { Inflictor } from "./inflict.ts";
import { Journal } from "./journal.ts";
import { judge } from "./judge.ts";
import type { Verdict } from "./judge.ts";
import { QueueTricks } from "./queue-tricks.ts";
import type { Scenario } from "./scenario.ts";
import { describeScenario } from "./scenario.ts";
import { watchBroker } from "./broker-watch.ts";
import { Troupe } from "./troupe.ts";

export interface Played {
  readonly scenario: Scenario;
  readonly verdict: Verdict;
  readonly journal: Journal;
  /** Connections that were cut or garbled. */
  readonly cuts: number;
  readonly figures: Figures | undefined;
  readonly tookMs: number;
  /** Where everything of it is kept; undefined when all was right. */
  readonly folder: string | undefined;
}

const RUN = "r";
const FIRST_CALLS = 5;
const BEGIN_MS = 30_000;
/** After the last fault: five receives of half a minute each, and a resume. */
const STUCK_MS = 400_000;

/** Plays a scenario from its first process to its last, and judges what is left. */
export async function play(scenario: Scenario): Promise<Played> {
  const startedAt = performance.now();
  const folder = mkdtempSync(join(tmpdir(), `senpu-fault-${scenario.seed}-`));
  const journal = new Journal();
  const apis = await openApis(scenario);
  const plan = writePlan(folder, scenario, apis);
  const troupe = new Troupe({ scenario, folder, plan, run: RUN, journal });
  // Nobody is left behind when the suite is ended, by Ctrl-C for instance.
  const kill = (): void => troupe.kill();
  process.once("exit", kill);
  let verdict: Verdict;
  let figures: Figures | undefined;
  try {
    await perform(scenario, troupe, apis, journal);
    await troupe.close();
    const ledger = await readLedger(troupe.state);
    figures = ledger.figures;
    await addResumes(scenario, troupe.state, journal);
    const requests = new Map([...apis].map(([lane, { server }]) => [lane, server.requests]));
    verdict = judge({
      scenario,
      ...ledger,
      requests,
      disturbances: journal.disturbances,
      outages: journal.outages,
      stops: journal.stops,
      jumps: journal.jumps,
    });
  } catch (error) {
    journal.offend(error instanceof Error ? (error.stack ?? error.message) : String(error));
    await troupe.close();
    verdict = { violations: [], madeAgain: 0, bound: 0, rateExcess: -Infinity };
  }
  process.off("exit", kill);
  if (/^\s+at .*:\d+:\d+/m.test(troupe.log)) journal.offend("a stack trace on stderr");
  verdict = { ...verdict, violations: [...journal.offences, ...verdict.violations] };
  const cuts = [troupe.proxy, ...[...apis.values()].map(({ proxy }) => proxy)].reduce(
    (sum, proxy) => sum + (proxy?.cuts ?? 0),
    0,
  );
  const isRight = verdict.violations.length === 0;
  if (isRight) rmSync(folder, { recursive: true, force: true });
  else keepEvidence(folder, scenario, journal, verdict, troupe, apis);
  for (const { server, proxy } of apis.values()) {
    await proxy?.close();
    await server.close();
  }
  return {
    scenario,
    verdict,
    journal,
    cuts,
    figures,
    tookMs: performance.now() - startedAt,
    folder: isRight ? undefined : folder,
  };
}

interface Api {
  readonly server: MisbehavingServer;
  readonly proxy: ChaosProxy | undefined;
}
type Apis = ReadonlyMap<string, Api>;

async function openApis({ lanes }: Scenario): Promise<Apis> {
  const apis = new Map<string, Api>();
  for (const { name, proxied } of lanes) {
    const server = await startMisbehavingServer();
    const port = Number(new URL(server.url).port);
    apis.set(name, { server, proxy: proxied ? await startChaosProxy(() => port) : undefined });
  }
  return apis;
}

function writePlan(folder: string, scenario: Scenario, apis: Apis): string {
  const { lanes, calls, timeoutMs, attempts, retryUnsafe } = scenario;
  const urlOf = (lane: string): string => {
    const { server, proxy } = apis.get(lane) as Api;
    return (proxy ?? server).url;
  };
  const plan = {
    name: `seed ${scenario.seed}`,
    lanes: Object.fromEntries(
      lanes.map(({ name, concurrency, rate }) => [
        name,
        {
          match: `${urlOf(name)}/**`,
          concurrency,
          ...(rate === null ? {} : { rate: `${rate}/s` }),
        },
      ]),
    ),
    defaults: { timeout: `${timeoutMs}ms` },
    retry: { attempts, backoff: { first: "20ms", max: "200ms" }, unsafe: retryUnsafe },
    allow: ["127.0.0.1"],
    calls: calls.map(({ id, lane, method, path, bodyLength }) => ({
      id,
      method,
      url: `${urlOf(lane)}${path}`,
      ...(bodyLength === undefined ? {} : { json: { text: "x".repeat(bodyLength) } }),
    })),
  };
  const path = join(folder, "plan.json");
  writeFileSync(path, JSON.stringify(plan));
  return path;
}

/** The processes do what they do, and the faults befall them, until the run is settled or can no longer be. */
async function perform(
  scenario: Scenario,
  troupe: Troupe,
  apis: Apis,
  journal: Journal,
): Promise<void> {
  const dice = new Dice(scenario.seed ^ 0x5eed);
  await troupe.start();
  const { settled } = troupe.producer;
  const ending = new AbortController();
  const { signal } = ending;
  const isOver = settled.then(() => ending.abort());
  const watching = watchBroker(troupe, journal, signal);
  const wait = (ms: number): Promise<boolean> => sleep(ms, true, { signal }).catch(() => false);
  const proxies = new Map<string, ChaosProxy>();
  for (const [lane, { proxy }] of apis) if (proxy !== undefined) proxies.set(lane, proxy);
  const tricks = new QueueTricks(troupe.state, dice);
  const inflictor = new Inflictor({ troupe, tricks, proxies, dice, journal });
  const firstCalls = [...apis.values()].map(({ server }) => server.waitForRequests(FIRST_CALLS));
  if (!scenario.fromStart) await Promise.race([...firstCalls, isOver, wait(BEGIN_MS)]);
  const begunAt = performance.now();
  for (const fault of scenario.faults) {
    if (!(await wait(Math.max(0, begunAt + fault.atMs - performance.now())))) break;
    await inflictor.inflict(fault);
  }
  const isStuck = await Promise.race([isOver.then(() => false), wait(STUCK_MS)]);
  ending.abort();
  await Promise.all([inflictor.end(), watching]);
  if (isStuck) journal.offend(`the run was not settled ${STUCK_MS} ms after the last fault`);
}

/** As a script would: through the commands. */
async function readLedger(state: string): Promise<{ figures: Figures; rows: CallRow[] }> {
  const read = async (command: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await new SenpuProcess([
      command,
      RUN,
      "--json",
      "--state",
      state,
    ]).ended;
    if (exitCode !== 0) throw new Error(`senpu ${command} ended with ${exitCode}: ${stderr}`);
    return stdout;
  };
  const figures = figuresSchema.parse(JSON.parse(await read("status"))) as Figures;
  const rows = parseJsonLines(await read("calls")).map(
    (row) => callRowSchema.parse(row) as CallRow,
  );
  return { figures, rows };
}

/** Who takes a run up publishes again what was under way just then. */
async function addResumes(
  { clockJumps }: Scenario,
  state: string,
  journal: Journal,
): Promise<void> {
  const why = "the run was taken up";
  if (clockJumps) {
    // When that was cannot be read from the ledger.
    const longestMs = 6_000;
    for (const from of journal.resumedAt) {
      journal.disturbances.push({ from, until: from + longestMs, why });
    }
    return;
  }
  const ledger = openSqliteLedger(join(state, "ledger.db"));
  for (const { what, at } of await ledger.events(RUN)) {
    if (what === "restarted") journal.disturbances.push({ from: at, until: at + 300, why });
  }
  await ledger.close();
}

function keepEvidence(
  folder: string,
  scenario: Scenario,
  journal: Journal,
  verdict: Verdict,
  troupe: Troupe,
  apis: Apis,
): void {
  const { calls: _calls, ...rest } = scenario;
  writeFileSync(join(folder, "scenario.json"), JSON.stringify(rest, null, 2));
  writeFileSync(
    join(folder, "what-happened.txt"),
    [
      describeScenario(scenario),
      "",
      journal.text,
      "",
      ...verdict.violations,
      "",
      troupe.log,
      "",
    ].join("\n"),
  );
  writeFileSync(
    join(folder, "disturbances.json"),
    JSON.stringify(
      journal.disturbances.map((one) => ({ ...one, ids: one.ids && [...one.ids] })),
      null,
      1,
    ),
  );
  for (const [lane, { server }] of apis) {
    const lines = server.requests.map(({ headers: _headers, body: _body, ...request }) =>
      JSON.stringify(request),
    );
    writeFileSync(join(folder, `requests-${lane}.jsonl`), `${lines.join("\n")}\n`);
  }
}
