import type { Dice } from "./dice.ts";
import type { Fault, FaultKind, Role, Strike, Way } from "./fault.ts";

export interface FaultOptions {
  readonly playMs: number;
  /** That are processes of their own. */
  readonly roles: readonly Role[];
  readonly proxiedLanes: readonly string[];
  readonly brokerProxied: boolean;
  readonly clockJumps: boolean;
  readonly isShort: boolean;
}

/** Each costs a run ten seconds until its heartbeat is dead. */
const MAX_PRODUCER_KILLS = 2;
/** Below the shortest lease, so that limits hold: timeout and three seconds, less the second since its renewal. */
const MAX_STOP_MS = 2_500;

/** The faults of a scenario, in order of time; often a `wipe` at the end, so that nobody waits half a minute. */
export function makeFaults(dice: Dice, options: FaultOptions): Fault[] {
  const { playMs, isShort, roles } = options;
  const count = isShort ? dice.between(5, 7) : dice.between(12, 24);
  const times = Array.from({ length: count }, () => dice.between(100, playMs)).sort(
    (a, b) => a - b,
  );
  let producerKills = 0;
  const faults = times.map((atMs): Fault => {
    const strike = makeStrike(dice, options, producerKills < (isShort ? 1 : MAX_PRODUCER_KILLS));
    if (strike.kind === "kill" && strike.role === "producer") producerKills++;
    return { atMs, ...strike };
  });
  if (roles.includes("worker") && (isShort || dice.chance(0.6))) {
    faults.push({ atMs: playMs + 500, kind: "wipe" });
  }
  return faults;
}

function makeStrike(dice: Dice, options: FaultOptions, mayKillProducer: boolean): Strike {
  const { roles, proxiedLanes, brokerProxied, clockJumps } = options;
  const ways: Way[] = proxiedLanes.map((lane): Way => `lane-${lane}`);
  if (brokerProxied) ways.push("broker");
  const killable = roles.filter((role) => role !== "producer" || mayKillProducer);
  const network = ways.length === 0 ? 0 : 3;
  const kind = dice.weigh<FaultKind>({
    kill: killable.length === 0 ? 0 : 14,
    wipe: roles.includes("worker") ? 3 : 0,
    stop: 4,
    cut: network,
    dark: network,
    mute: network,
    delay: network,
    garble: network,
    duplicate: 3,
    reorder: 2,
    expose: 2,
    full: 2,
    jump: clockJumps ? 5 : 0,
  });
  switch (kind) {
    case "kill":
      return { kind, role: dice.weigh<Role>(pickWeights(killable)) };
    case "wipe":
    case "reorder":
      return { kind };
    case "stop":
      return { kind, role: dice.pick(roles), forMs: dice.between(300, MAX_STOP_MS) };
    case "cut":
      return { kind, way: dice.pick(ways) };
    case "dark":
      return { kind, way: dice.pick(ways), forMs: dice.between(200, 3_000) };
    case "mute":
      return { kind, way: dice.pick(ways), forMs: dice.between(100, 1_000) };
    case "delay":
      return {
        kind,
        way: dice.pick(ways),
        ms: dice.between(20, 400),
        forMs: dice.between(500, 4_000),
      };
    case "garble":
      return {
        kind,
        way: dice.pick(ways),
        share: dice.between(5, 50) / 100,
        forMs: dice.between(200, 2_000),
      };
    case "duplicate":
      return { kind, queue: dice.chance(0.7) ? "lane" : "ledger", count: dice.between(1, 5) };
    case "expose":
      return { kind, count: dice.between(1, 4) };
    case "full":
      return { kind, forMs: dice.between(500, 2_500) };
    case "jump":
    default:
      return { kind, byMs: dice.between(1, 20) * (dice.chance(0.5) ? 1_000 : -1_000) };
  }
}

const KILL_WEIGHTS: Readonly<Record<Role, number>> = {
  worker: 6,
  producer: 1,
  recorder: 2,
  broker: 2,
};

function pickWeights(roles: readonly Role[]): Partial<Record<Role, number>> {
  return Object.fromEntries(roles.map((role) => [role, KILL_WEIGHTS[role]]));
}
