import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as init from "../../../producer/commands/init.ts";
import { guessId } from "../../../producer/init/read-columns.ts";
import { writePlan } from "../../../producer/init/write-plan.ts";
import { readPlan } from "../../../producer/plan/read.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { callsOf } from "../plan/plan-files.ts";

/** `senpu init` without a terminal; what it writes on standard output is not of interest here. */
async function runInit(...words: readonly string[]): Promise<number> {
  const write = process.stdout.write;
  process.stdout.write = () => true;
  onTestFinished(() => void (process.stdout.write = write));
  return (await runCommand(init, [...words, "--json"])).exitCode;
}

test("what it writes is a plan, whose rows are found from the plan's own folder", async () => {
  const folder = makeFolder();
  const rows = join(folder, "customers.csv");
  writeFileSync(rows, "name,customer_id\nAnn,17\n");
  const path = join(folder, "sub", "crm.yaml");
  const url = "https://api.example.com/customers/{{ customer_id }}";
  const words = ["--url", url, "--from", rows, "--rate", "20/s", "--concurrency", "3"];
  expect(await runInit(...words, "--method", "put", "-o", path)).toBe(0);
  const plan = await readPlan({ path, spoolDir: folder, runId: "r" });
  expect(plan.name).toBe("crm");
  expect(plan.lanes[0]).toMatchObject({ concurrency: 3, rate: { count: 20, perMs: 1000 } });
  expect(await callsOf(plan)).toEqual([
    {
      id: "17",
      method: "PUT",
      url: "https://api.example.com/customers/17",
      json: '{"name":"Ann"}',
    },
  ]);
});

test("a file that is there already is left alone where nobody can be asked", async () => {
  const path = join(makeFolder(), "plan.yaml");
  writeFileSync(path, "mine");
  await expect(runInit("--url", "https://a.example/", "-o", path)).rejects.toThrow(
    "is there already; name another file with -o, or remove it",
  );
  expect(readFileSync(path, "utf8")).toBe("mine");
});

test("without a terminal it says which flags it wants", async () => {
  const path = join(makeFolder(), "plan.yaml");
  await expect(runInit("-o", path)).rejects.toThrow("--url");
});

test("a column that the rows do not have is told before anything is written", async () => {
  const folder = makeFolder();
  const rows = join(folder, "r.csv");
  writeFileSync(rows, "id\n1\n");
  const path = join(folder, "plan.yaml");
  const written = runInit("--url", "https://a.example/{{ ids }}", "--from", rows, "-o", path);
  await expect(written).rejects.toThrow('has no column "ids"; did you mean "id"?');
  expect(() => readFileSync(path)).toThrow("ENOENT");
});

test.each([
  [
    "columns that no placeholder can write",
    "https://a.example/",
    ["First name", "päth"],
    "First name",
  ],
  ["a URL that the row gives whole", "{{ link }}", ["link"], undefined],
  ["a URL with quotes, and no rows", 'https://a.example/?q="x"', [], undefined],
  ["an internal address", "http://127.0.0.1:8080/x", [], undefined],
])("a plan is right for %s", async (_name, url, columns, idColumn) => {
  const folder = makeFolder();
  const from = columns.length === 0 ? undefined : "r.csv";
  if (from !== undefined) writeFileSync(join(folder, from), `${columns.join(",")}\n`);
  const path = join(folder, "plan.yaml");
  const about = { name: 'a "name": #1', url, from, columns, idColumn };
  writeFileSync(
    path,
    writePlan({ ...about, method: "POST", rate: undefined, concurrency: undefined }),
  );
  const plan = await readPlan({ path, spoolDir: folder, runId: "r" });
  expect(plan.name).toBe('a "name": #1');
  expect(plan.policy.allow).toEqual(url.includes("127.0.0.1") ? ["127.0.0.1"] : []);
});

test("the column that looks like an id is found", () => {
  expect(guessId(["name", "customer_id", "ID"])).toBe("ID");
  expect(guessId(["name", "customer_id"])).toBe("customer_id");
  expect(guessId(["name", "paid"])).toBeUndefined();
});
