import { expect, onTestFinished, test } from "vitest";
import { configure, run } from "../../consumer/commands/worker.ts";
import { Worker } from "../../consumer/worker.ts";
import { openFolderAnswers } from "../../shared/answers/folder-answers.ts";
import { openFolderClaims } from "../../shared/claims/folder-claims.ts";
import { createMemoryCoordination } from "../../shared/coordination/memory-coordination.ts";
import { connect, startEmbedded, temporaryFolder } from "../shared/broker/embedded.ts";
import { makeFolder, runCommand } from "../support/command-line.ts";

test("a worker that is given lanes works on these, claimed or not, and on no other", async () => {
  const { endpointUrl } = await startEmbedded();
  const coordination = createMemoryCoordination();
  await coordination.claimLanes("r", [
    { lane: "crm", concurrency: 3 },
    { lane: "reports", concurrency: 5 },
  ]);
  const worker = new Worker({
    broker: connect(endpointUrl),
    coordination,
    claims: openFolderClaims(temporaryFolder()),
    answers: openFolderAnswers(temporaryFolder()),
    name: "w",
    declared: [{ lane: "mail", concurrency: 2 }],
    only: ["crm", "quiet"],
  });
  await worker.start();
  onTestFinished(() => worker.stop(0));
  const lanes = worker.lanes().map(({ lane }) => lane);
  expect(lanes.toSorted()).toEqual(["crm", "quiet"]);
});

test.each([
  [["--grace", "soon"], /^--grace soon: give a time of at most 12h, such as 40s$/],
  [["--grace", "13h"], /^--grace 13h: give a time of at most 12h/],
  [["--lanes", "crm,,mail"], /^--lanes \(or SENPU_LANES\): lane "" cannot name a queue/],
])("senpu worker %j is refused", async (words, told) => {
  const state = ["--state", makeFolder()];
  await expect(runCommand({ configure, run }, [...words, ...state])).rejects.toThrow(told);
});
