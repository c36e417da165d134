import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { LEDGER_QUEUE, laneQueue } from "../../../shared/broker/broker.ts";
import { attachBroker } from "../../../shared/state/held-broker.ts";
import type { AttachOptions, AttachedBroker } from "../../../shared/state/held-broker.ts";
import { StateLock } from "../../../shared/state/state-lock.ts";
import { connect, temporaryFolder } from "../broker/embedded.ts";
import type { Told } from "./hold-broker.ts";

async function attach(options: AttachOptions): Promise<AttachedBroker> {
  const attached = await attachBroker(options);
  onTestFinished(() => attached.close());
  return attached;
}

/** A process of its own, with what it last told. */
async function attachInProcess(state: string): Promise<{ child: ChildProcess; told: Told }> {
  const child = fork(new URL("./hold-broker.ts", import.meta.url), [state], {
    execArgv: [],
    env: process.env,
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [told] = (await once(child, "message")) as [Told];
  return { child, told };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

const readRecord = (state: string) =>
  JSON.parse(readFileSync(join(state, "broker.json"), "utf8")) as object;

test("with an endpoint nothing is started and no folder made", async () => {
  const state = join(temporaryFolder(), "none");
  const attached = await attach({ state, endpointUrl: "http://127.0.0.1:9" });
  expect(attached).toMatchObject({ endpointUrl: "http://127.0.0.1:9", holder: false });
  expect(existsSync(state)).toBe(false);
});

test("the first holds the broker and tells where; closing it leaves nothing behind", async () => {
  const state = temporaryFolder();
  const attached = await attachBroker({ state });
  expect(attached).toMatchObject({ holder: true, holderPid: process.pid });
  expect(readRecord(state)).toMatchObject({
    endpoint: attached.endpointUrl,
    pid: process.pid,
    port: Number(new URL(attached.endpointUrl).port),
  });
  await attached.close();
  expect(existsSync(join(state, "broker.json"))).toBe(false);
  await expect(fetch(`${attached.endpointUrl}/health`)).rejects.toThrow();
  expect((await attach({ state })).endpointUrl).toBe(attached.endpointUrl);
});

test("of many that start at once, in one process or several, one holds and all share its broker", async () => {
  const state = temporaryFolder();
  const [own, other, child] = await Promise.all([
    attach({ state }),
    attach({ state }),
    attachInProcess(state),
  ]);
  expect(new Set([own.endpointUrl, other.endpointUrl, child.told.endpointUrl]).size).toBe(1);
  expect([own.holder, other.holder, child.told.holder].filter(Boolean)).toHaveLength(1);
});

test("when the holder is killed another takes over on the same port, and nothing accepted is lost", async () => {
  const state = temporaryFolder();
  const { child } = await attachInProcess(state);
  const attached = await attach({ state });
  expect(attached.holder).toBe(false);
  const broker = connect(attached.endpointUrl);
  await broker.ensure(["crm"]);
  await broker.publish("calls", [{ body: "before", attributes: { lane: "crm" } }]);
  expect(
    await broker.receive(LEDGER_QUEUE, { maxMessages: 1, waitSeconds: 0, visibilitySeconds: 600 }),
  ).toHaveLength(1);
  await kill(child);
  // The request meets the gap, and waits for the successor.
  await broker.publish("calls", [{ body: "after", attributes: { lane: "crm" } }]);
  expect(attached.holder).toBe(true);
  expect(readRecord(state)).toMatchObject({ endpoint: attached.endpointUrl, pid: process.pid });
  for (const queue of [laneQueue("crm"), LEDGER_QUEUE]) {
    const got = await broker.receive(queue, { maxMessages: 10, waitSeconds: 0 });
    expect(got.map(({ body }) => body).sort()).toEqual(["after", "before"]);
  }
});

test("when the holder ends in order another takes over as well", async () => {
  const state = temporaryFolder();
  const first = await attachBroker({ state });
  const { child, told } = await attachInProcess(state);
  expect(told.holder).toBe(false);
  await first.close();
  const [later] = (await once(child, "message")) as [Told];
  expect(later).toEqual({ endpointUrl: first.endpointUrl, holder: true });
  child.send("close");
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(existsSync(join(state, "broker.json"))).toBe(false);
});

test("what a dead holder has left is replaced, on the port that it had", async () => {
  const state = temporaryFolder();
  const { child, told } = await attachInProcess(state);
  await kill(child);
  expect(readRecord(state)).toMatchObject({ pid: child.pid });
  const attached = await attach({ state });
  expect(attached).toMatchObject({ holder: true, endpointUrl: told.endpointUrl });
});

test("without standby a process never takes over", async () => {
  const state = temporaryFolder();
  const first = await attachBroker({ state });
  const second = await attach({ state, standby: false });
  const third = await attach({ state });
  await first.close();
  await expect.poll(() => third.holder, { timeout: 10_000 }).toBe(true);
  expect(second.holder).toBe(false);
});

test("a held lock with a dead endpoint is an error that names folder, process and remedy", async () => {
  const state = temporaryFolder();
  await (await attachBroker({ state })).close();
  const lock = new StateLock(join(state, "broker.lock"));
  expect(lock.tryTake()).toBe(true);
  onTestFinished(() => lock.release());
  const record = {
    endpoint: "http://127.0.0.1:9",
    pid: 4711,
    port: 9,
    startedAt: new Date().toISOString(),
  };
  writeFileSync(join(state, "broker.json"), JSON.stringify(record));
  await expect(attachBroker({ state })).rejects.toThrow(
    `the broker of ${state} is held by process 4711, but http://127.0.0.1:9 does not answer; end that process (kill 4711)`,
  );
});

test("a broker that is stopped for longer than a dead one is given is waited for", async () => {
  const state = temporaryFolder();
  const { child, told } = await attachInProcess(state);
  child.kill("SIGSTOP");
  const attaching = attach({ state });
  const settled = vi.fn<() => void>();
  attaching.then(settled, settled);
  // A dead one is given five seconds.
  await sleep(6_500);
  expect(settled).not.toHaveBeenCalled();
  child.kill("SIGCONT");
  expect(await attaching).toMatchObject({ holder: false, endpointUrl: told.endpointUrl });
  await kill(child);
});

test("a port that somebody else has is an error when it was asked for, and leaves the folder free", async () => {
  const { endpointUrl } = await attach({ state: temporaryFolder() });
  const port = Number(new URL(endpointUrl).port);
  const state = temporaryFolder();
  await expect(attachBroker({ state, port })).rejects.toThrow(
    `port ${port} is taken by another program`,
  );
  expect(existsSync(join(state, "broker.json"))).toBe(false);
  expect((await attach({ state })).holder).toBe(true);
});
