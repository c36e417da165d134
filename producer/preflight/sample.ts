import type { CommandSides, SampleAnswer, SampleCall } from "../../shared/command.ts";
import type { ClaimStore } from "../../shared/claims/claim-store.ts";
import type { Call } from "../../shared/model/call.ts";
import { MESSAGE_VERSION, encodeMessage } from "../../shared/model/message.ts";
import { plainLine } from "../../shared/terminal/fit.ts";
import { formatBytes, formatDuration } from "../../shared/terminal/format.ts";
import { renderTable } from "../../shared/terminal/table.ts";
import type { Plan, PlanPolicy } from "../plan/plan.ts";
import { lanePolicy } from "../publish/lane-policy.ts";
import { newRunId } from "../run/run-id.ts";

/** Some calls of a plan, made now to see what comes back; outside of any run, each tried once. */

/** As many as are surely meant: a sample is no run. */
export const MOST_SAMPLES = 100;

/** The first `count` calls that can be made are made, one after the other, by what makes calls in a worker. */
export async function samplePlanned(
  plan: Plan,
  count: number,
  sides: CommandSides,
  claims: ClaimStore,
): Promise<SampleAnswer[]> {
  const calls: SampleCall[] = [];
  const run = newRunId(new Date());
  for await (const entries of plan.entries()) {
    for (const entry of entries) {
      if ("invalid" in entry || calls.length === count) continue;
      const lane = plan.lanes.find(({ name }) => name === entry.lane);
      const policy = entry.policy ?? lanePolicy(plan.policy, lane ?? {});
      calls.push(toSample(run, entry.call, entry.lane, policy));
    }
    if (calls.length === count) break;
  }
  const answers: SampleAnswer[] = [];
  const consumer = await sides.loadConsumer();
  await consumer.sampleCalls(calls, claims, (answer) => answers.push(answer));
  return answers;
}

function toSample(run: string, call: Call, lane: string, policy: PlanPolicy): SampleCall {
  const timeoutMs = call.timeoutMs ?? policy.timeoutMs;
  const { answers, ...plain } = policy;
  const body = encodeMessage({
    v: MESSAGE_VERSION,
    kind: "calls",
    run,
    generation: 1,
    lane,
    chunk: "sample",
    policy: {
      ...plain,
      // What is expected is looked for; nothing is kept or saved.
      ...(answers?.expect === undefined ? {} : { answers: { expect: answers.expect } }),
      retry: { ...policy.retry, attempts: 1, rules: [] },
      // What one call says closes nothing for the next.
      breaker: null,
      deadlineAt: Date.now() + MOST_SAMPLES * timeoutMs,
    },
    calls: [call],
  });
  return { id: call.id, lane, body, timeoutMs };
}

export function renderSample(answers: readonly SampleAnswer[], columns: number): string[] {
  const rows = answers.map(({ id, state, reason, status, latencyMs, bytes, text, error }) => [
    plainLine(id),
    status === undefined ? (reason ?? state) : String(status),
    latencyMs === undefined ? "–" : formatDuration(latencyMs),
    bytes === undefined ? "–" : formatBytes(bytes),
    plainLine(text === undefined || status === undefined ? (error ?? "") : text),
  ]);
  return [
    answers.length === 1 ? "One call, made now:" : `${answers.length} calls, made now:`,
    ...renderTable(
      [
        { title: "call", cut: "middle" },
        { title: "answer" },
        { title: "took", align: "right" },
        { title: "body", align: "right" },
        { title: "begins with", cut: "end", minWidth: 20 },
      ],
      rows,
      columns,
    ),
  ];
}
