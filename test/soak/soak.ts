import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describeMachine } from "../bench/machine.ts";
import { UsageError } from "../bench/options.ts";
import { renderMachine } from "../bench/render.ts";
import { USAGE, readOptions } from "./options.ts";
import type { SoakOptions } from "./options.ts";
import { Soak } from "./perform.ts";
import { reportSoak } from "./report.ts";

/**
 * `npm run soak`: half an hour of runs one after another and side by side, with faults, in one state folder; then whether
 * what lives long has grown. Ends with 1 when something did, or a run was not accounted for.
 */

const RESULTS = new URL("./results.md", import.meta.url);
const USAGE_ERROR = 2;
const INTERRUPTED = 130;
const TELL_MS = 60_000;
const LOOK_MS = 1_000;

async function play({ minutes, seed, json, write }: SoakOptions): Promise<number> {
  const startedAt = new Date();
  const machine = describeMachine();
  const folder = mkdtempSync(join(tmpdir(), "senpu-soak-"));
  const soak = new Soak(folder, seed);
  process.once("exit", () => soak.kill());
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => process.exit(INTERRUPTED));
  await soak.begin();
  const from = performance.now();
  const tell = (): void => {
    const passed = Math.round((performance.now() - from) / 60_000);
    const { runs, calls, kills, cuts } = soak.done;
    process.stderr.write(
      `soak: ${passed} of ${minutes} min, ${runs} runs, ${calls} calls, ${kills} kills, ${cuts} cuts, ${soak.offences.length} offences\n`,
    );
  };
  const telling = setInterval(tell, TELL_MS);
  while (performance.now() < from + minutes * 60_000) {
    await Promise.race([sleep(LOOK_MS), soak.failed]);
  }
  clearInterval(telling);
  await soak.end();
  const { isRight, text } = reportSoak({
    series: soak.series,
    done: soak.done,
    offences: soak.offences,
    lastsSeconds: minutes * 60,
    heading: [
      `\`npm run soak -- --minutes ${minutes} --seed ${seed}\`, ${startedAt.toISOString().slice(0, 10)}.`,
      ...renderMachine(machine, "the API in a process of its own"),
    ],
  });
  process.stdout.write(text);
  if (write) writeFileSync(RESULTS, text);
  if (json !== undefined) {
    const all = { startedAt, machine, minutes, seed, done: soak.done, offences: soak.offences };
    const series = Object.fromEntries(soak.series);
    writeFileSync(resolve(json), `${JSON.stringify({ ...all, series }, null, 2)}\n`);
  }
  if (isRight) rmSync(folder, { recursive: true, force: true });
  else {
    writeFileSync(join(folder, "log"), soak.log);
    process.stderr.write(`soak: the state folder and the log are kept in ${folder}\n`);
  }
  return isRight ? 0 : 1;
}

try {
  const options = readOptions(process.argv.slice(2), Date.now());
  if (options === undefined) process.stdout.write(USAGE);
  else process.exitCode = await play(options);
} catch (error) {
  process.stderr.write(`soak: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof UsageError ? USAGE_ERROR : 1;
}
