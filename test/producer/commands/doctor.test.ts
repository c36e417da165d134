import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { Command } from "commander";
import { expect, test } from "vitest";
import * as doctor from "../../../producer/commands/doctor.ts";
import { renderFinding } from "../../../shared/terminal/render-findings.ts";
import { MACHINE_CHECKS } from "../../../producer/doctor/examine.ts";
import { createPaint } from "../../../shared/terminal/color.ts";
import { widthOf } from "../../../shared/terminal/fit.ts";
import { runCommand } from "../../support/command-line.ts";
import { MemoryOutput } from "../../support/memory-output.ts";
import { SenpuProcess } from "../../support/senpu-process.ts";
import { editLedger, soundFolder } from "../doctor/examined-folder.ts";

const WIDTH = 80;
const PLAIN = createPaint(false);

/** With everything written that was to be. */
async function runDoctor(...words: string[]): Promise<{ exitCode: number; output: MemoryOutput }> {
  const ran = await runCommand(doctor, words, new MemoryOutput(WIDTH));
  await finished(ran.output.end());
  return ran;
}

test("each check has a line, within 80 columns, and the sum stands below", async () => {
  const state = await soundFolder();
  editLedger(state, "UPDATE runs SET planned = 9 WHERE id = 'ended'");
  const { exitCode, output } = await runDoctor("--state", state);
  expect(exitCode).toBe(1);
  expect(output.lines.filter((line) => widthOf(line) > WIDTH)).toEqual([]);
  for (const [name] of MACHINE_CHECKS.filter(([name]) => !["queues"].includes(name))) {
    expect(output.text).toMatch(new RegExp(`^(ok|warning|problem) +${name} `, "m"));
  }
  expect(output.text).toMatch(/\nproblem +counters +run ended: planned 9 and not 3\n +=> senpu /);
  expect(output.lines.at(-1)).toMatch(/^\d problems?.*\.$/);
});

test("what was repaired is told before what is left", async () => {
  const state = await soundFolder();
  editLedger(state, "UPDATE runs SET planned = 9 WHERE id = 'ended'");
  const { exitCode, output } = await runDoctor("--state", state, "--repair");
  expect(exitCode).toBe(0);
  expect(output.lines[0]).toMatch(/^ledger: kept as /);
  expect(output.text).toMatch(/run ended: counted anew .*\n\nok +runtime/);
});

test("with nothing to repair it says so", async () => {
  const { output } = await runDoctor("--state", await soundFolder(), "--repair");
  expect(output.lines[0]).toBe("Nothing to repair.");
});

test("as JSON it is one value, with the checks as an array", async () => {
  const { output } = await runCommand(doctor, ["--json", "--state", await soundFolder()]);
  expect(output.lines).toHaveLength(1);
  const { checks, repairs, problems } = JSON.parse(output.text) as doctor.DoctorResult;
  expect(repairs).toEqual([]);
  expect(problems).toBe(0);
  expect(checks.length).toBeGreaterThan(10);
  for (const check of checks) {
    expect(Object.keys(check).toSorted()).toEqual(["advice", "found", "name", "state"]);
    expect(check.advice === null).toBe(check.state === "ok");
  }
});

test("a long path is broken and not cut, and text from elsewhere obeys nothing", () => {
  const path = `/${"long/".repeat(40)}ledger.db`;
  const finding = {
    name: "ledger",
    state: "problem",
    found: path,
    advice: "\u001b[31mred",
  } as const;
  const lines = renderFinding(finding, WIDTH, PLAIN);
  expect(lines.every((line) => widthOf(line) <= WIDTH)).toBe(true);
  expect(lines.map((line) => line.slice(23)).join("")).toContain(path);
  expect(lines.join("")).not.toContain("\u001b");
});

test("help has examples and says what each exit code means", () => {
  const command = new Command("doctor");
  doctor.configure(command);
  let help = "";
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  expect(help).toMatch(/Exit codes: 0 no problem; 1 a problem was found/);
  expect(help).toMatch(/Examples:\n {2}senpu doctor /);
});

test("on the command line it ends with 0 where all is well, and with 1 after a problem", async () => {
  const state = await soundFolder();
  const well = await new SenpuProcess(["doctor", "--json", "--state", state]).ended;
  expect(well).toMatchObject({ exitCode: 0, stderr: "" });
  writeFileSync(join(state, "ledger.db"), "no database");
  const ill = await new SenpuProcess(["doctor", "--state", state]).ended;
  expect(ill).toMatchObject({ exitCode: 1, stderr: "" });
  expect(ill.stdout).toMatch(/^problem +ledger .* is damaged/m);
});
