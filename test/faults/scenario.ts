import { Dice } from "./dice.ts";
import type { Fault, Role } from "./fault.ts";
import { makeFaults } from "./make-faults.ts";
import { makeCalls } from "./make-calls.ts";
import type { ScenarioCall } from "./make-calls.ts";

/** One play of the fault suite, all of it drawn from its seed: what is called, by whom, and what befalls them when. */
export interface Scenario {
  readonly seed: number;
  readonly length: Length;
  /**
   * `alone`: one process does all. `workers`: it has worker processes of its own. `apart`: broker, recorder, workers and
   * producer are processes of their own.
   */
  readonly topology: Topology;
  readonly workers: number;
  /** The broker is a process of its own, and every other reaches it through a proxy (`--endpoint-url`). */
  readonly brokerProxied: boolean;
  /** Every process but the broker has a clock that can be set. */
  readonly clockJumps: boolean;
  readonly lanes: readonly ScenarioLane[];
  readonly calls: readonly ScenarioCall[];
  /** Of one attempt, in milliseconds. */
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly retryUnsafe: boolean;
  /** Faults are counted from the producer's start; else from when the APIs have seen their first calls. */
  readonly fromStart: boolean;
  /** In order of time. */
  readonly faults: readonly Fault[];
}

type Topology = "alone" | "workers" | "apart";

/** `short` ones play for seconds, for `npm test`. */
export type Length = "short" | "long";

/** Each has an API of its own. */
export interface ScenarioLane {
  readonly name: string;
  readonly concurrency: number;
  /** Calls a second; null: no limit. */
  readonly rate: number | null;
  /** Its API is reached through a proxy. */
  readonly proxied: boolean;
}

/** The same for the same arguments. */
export function makeScenario(seed: number, length: Length): Scenario {
  const dice = new Dice(seed);
  const topology = dice.weigh<Topology>({ alone: 2, workers: 3, apart: 5 });
  const workers = topology === "alone" ? 1 : 2;
  const brokerProxied = dice.chance(0.5);
  const clockJumps = dice.chance(0.2);
  const lanes = makeLanes(dice);
  const playMs = length === "short" ? 2_500 : 12_000;
  // Dice of their own, so that other calls would meet the same faults.
  const calls = makeCalls(new Dice(~seed), lanes, playMs);
  return {
    seed,
    length,
    topology,
    workers,
    brokerProxied,
    clockJumps,
    lanes,
    calls,
    timeoutMs: dice.between(8, 16) * 100,
    attempts: dice.between(3, 5),
    retryUnsafe: dice.chance(0.2),
    fromStart: length === "long" && new Dice(seed ^ 0x57a47).chance(0.3),
    faults: makeFaults(dice, {
      playMs,
      roles: rolesOf(topology, brokerProxied),
      proxiedLanes: lanes.filter(({ proxied }) => proxied).map(({ name }) => name),
      brokerProxied,
      clockJumps,
      isShort: length === "short",
    }),
  };
}

function makeLanes(dice: Dice): ScenarioLane[] {
  return [
    { name: "wide", concurrency: dice.between(4, 8), rate: null, proxied: dice.chance(0.3) },
    // A proxy would blur what the server sees of a rate.
    { name: "paced", concurrency: 6, rate: dice.between(10, 25), proxied: false },
    { name: "narrow", concurrency: dice.between(1, 2), rate: null, proxied: dice.chance(0.6) },
  ];
}

/** Those that are processes of their own. */
function rolesOf(topology: Topology, brokerProxied: boolean): Role[] {
  const broker: Role[] = brokerProxied ? ["broker"] : [];
  if (topology === "alone") return ["producer", ...broker];
  if (topology === "workers") return ["producer", "worker", ...broker];
  return ["producer", "worker", "recorder", "broker"];
}

/** All of it for a person, but the calls one by one. */
export function describeScenario(scenario: Scenario): string {
  const { seed, topology, workers, brokerProxied, clockJumps, lanes, calls, faults } = scenario;
  const kinds = Map.groupBy(calls, ({ what }) => what);
  return [
    `seed ${seed} (${scenario.length}): ${topology}, ${workers} workers${brokerProxied ? ", broker behind a proxy" : ""}${clockJumps ? ", clocks can be set" : ""}${scenario.fromStart ? ", faults from the start" : ""}`,
    ...lanes.map(
      ({ name, concurrency, rate, proxied }) =>
        `  lane ${name}: ${calls.filter(({ lane }) => lane === name).length} calls, concurrency ${concurrency}${rate === null ? "" : `, ${rate}/s`}${proxied ? ", behind a proxy" : ""}`,
    ),
    `  timeout ${scenario.timeoutMs} ms, ${scenario.attempts} attempts${scenario.retryUnsafe ? ", unsafe ones too" : ""}`,
    `  calls: ${[...kinds].map(([kind, found]) => `${found.length} ${kind}`).join(", ")}`,
    ...faults.map(
      ({ atMs, ...fault }) => `  ${String(atMs).padStart(6)} ms  ${JSON.stringify(fault)}`,
    ),
  ].join("\n");
}
