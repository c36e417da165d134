import type { Broker } from "../../shared/broker/broker.ts";
import type { AnswerStore } from "../../shared/answers/answer-store.ts";
import type { ClaimStore } from "../../shared/claims/claim-store.ts";
import type { Coordination, RunControl } from "../../shared/coordination/coordination.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { ErrorCode } from "../../shared/errors.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import { nameOf } from "./evidence.ts";
import type { Evidence } from "./evidence.ts";
import { SimulatedProcess } from "./simulated-process.ts";

/** The ports as a process of the world has them. */
export interface Ports {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly ledger: Ledger;
  readonly claims: ClaimStore;
  readonly answers: AnswerStore;
}

type Method = (...args: readonly unknown[]) => unknown;

/** Every call of the port goes through the process that makes it, where its fate is. */
function reach<Port extends object>(port: Port, code: ErrorCode): Port {
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(port, {
    get(target, name) {
      const known = methods.get(name);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const method = value.bind(target) as Method;
      const refusal = (): SenpuError =>
        new SenpuError(code, `${String(name)} failed, as it was to`);
      const reached: Method = (...args) => {
        const { current } = SimulatedProcess;
        if (current === undefined) return method(...args);
        return current.call(() => method(...args), refusal);
      };
      methods.set(name, reached);
      return reached;
    },
  });
}

/** The port with some methods replaced; the others run on it as before. */
export function withMethods<Port extends object>(port: Port, methods: Partial<Port>): Port {
  const bound = new Map<PropertyKey, unknown>();
  return new Proxy(port, {
    get(target, name) {
      const known: unknown = Reflect.get(methods, name) ?? bound.get(name);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const method: unknown = value.bind(target);
      bound.set(name, method);
      return method;
    },
  });
}

export function reachBroker(broker: Broker): Broker {
  return reach(broker, "broker");
}

/** What a process has learnt of a run it has learnt when the answer is there. */
export function reachCoordination(coordination: Coordination, evidence: Evidence): Coordination {
  const reached = reach(coordination, "coordination");
  const note = (run: string, control: RunControl): void => {
    const { current } = SimulatedProcess;
    if (current !== undefined) evidence.learnt(current, run, control);
  };
  return withMethods(reached, {
    controls: async (runs) => {
      const controls = await reached.controls(runs);
      for (const [run, control] of controls) note(run, control);
      return controls;
    },
    startedUnsafe: async (run) => {
      const ids = await reached.startedUnsafe(run);
      for (const id of ids) evidence.unseen.add(nameOf(run, id));
      return ids;
    },
  });
}

export function reachLedger(ledger: Ledger, evidence: Evidence, now: () => number): Ledger {
  const watched = withMethods(ledger, {
    record: async (records, at) => {
      const result = await ledger.record(records, at);
      evidence.recorded(records);
      return result;
    },
    setState: async (run, state, by, at) => {
      const result = await ledger.setState(run, state, by, at);
      if (result === "cancelled") evidence.run(run).cancel();
      return result;
    },
    restartRun: async (run, from, by, at) => {
      const generation = await ledger.restartRun(run, from, by, at);
      evidence.restarted(run, now());
      return generation;
    },
  });
  const reached = reach(watched, "ledger");
  return withMethods(reached, {
    calls: async function* calls(run, filter) {
      yield* await (reached.calls(run, filter) as unknown as Promise<ReturnType<Ledger["calls"]>>);
    },
  });
}

/** No answer of the model is saved. */
export const NO_ANSWERS: AnswerStore = {
  write: () => Promise.reject(new Error("nothing is saved here")),
  begin: () => Promise.reject(new Error("nothing is saved here")),
  load: () => Promise.reject(new Error("nothing is saved here")),
  read: () => {
    throw new Error("nothing is saved here");
  },
  removeRun: async () => {},
  close: async () => {},
};

/** No call of the model is too large for a message. */
export const NO_CLAIMS: ClaimStore = {
  put: () => Promise.reject(new Error("nothing is kept here")),
  get: () => Promise.reject(new Error("nothing is kept here")),
  removeRun: async () => {},
  forget: async () => {},
  prune: async () => [],
  close: async () => {},
};
