import { describe, expect, test } from "vitest";
import { NotAccepted, Patience } from "../../../shared/broker/patience.ts";
import { SenpuError } from "../../../shared/errors.ts";

/** Time passes only by sleeping; every delay is the longest that jitter allows. */
function heldClock() {
  const slept: number[] = [];
  let now = 0;
  return {
    slept,
    clock: {
      now: () => now,
      random: () => 1,
      sleep: async (ms: number, signal: AbortSignal | undefined) => {
        signal?.throwIfAborted();
        slept.push(ms);
        now += ms;
      },
    },
  };
}

function patience(clock: ReturnType<typeof heldClock>["clock"], closed?: AbortSignal) {
  return new Patience({
    patienceMs: 10_000,
    firstPatienceMs: 1_000,
    endpoint: "http://127.0.0.1:1",
    clock,
    ...(closed && { closed }),
  });
}

const refused = () => Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
const answered = (status: number, name = "Error") =>
  Object.assign(new Error("no"), { name, $metadata: { httpStatusCode: status } });

/** Throws these one by one, then returns. */
function failing(...errors: unknown[]) {
  return async () => {
    if (errors.length > 0) throw errors.shift();
    return "done";
  };
}

describe("what may mend itself is repeated", () => {
  test.each([
    ["a refused connection", refused()],
    ["a lost one", Object.assign(new Error("socket hang up"), { code: "ECONNRESET" })],
    ["a server's error", answered(500)],
    ["throttling", answered(400, "ThrottlingException")],
    ["a timeout", Object.assign(new Error("late"), { name: "TimeoutError" })],
    ["entries that were not accepted", new NotAccepted("2 entries")],
  ])("%s", async (_, error) => {
    const { clock, slept } = heldClock();
    await expect(patience(clock).run("asking", failing(error, error))).resolves.toBe("done");
    expect(slept).toEqual([50, 100]);
  });
});

test("what the other side refuses is told at once, with its words", async () => {
  const { clock, slept } = heldClock();
  const attempt = patience(clock).run("asking", failing(answered(403, "AccessDenied")));
  await expect(attempt).rejects.toThrow(
    "asking at http://127.0.0.1:1 was refused: AccessDenied: no",
  );
  expect(slept).toEqual([]);
});

test("an answer that the SDK cannot read is told in one line", async () => {
  const { clock } = heldClock();
  const unreadable = Object.assign(
    new Error(
      "XML parse error: unexpected content.\n  Deserialization error: to see the raw response …",
    ),
    { $metadata: { httpStatusCode: 500 } },
  );
  const attempt = patience(clock).run("asking", () => Promise.reject(unreadable));
  await expect(attempt).rejects.toThrow(
    /failed for 10000 ms, last with: HTTP 500 with an answer that is neither SNS's nor SQS's \(its disk may be full\); is the broker up\?$/,
  );
});

test("waiting ends with patience, which counts from the first failure", async () => {
  const { clock, slept } = heldClock();
  const asking = patience(clock);
  await asking.run("asking", failing());
  const attempt = asking.run("asking", async () => {
    throw refused();
  });
  await expect(attempt).rejects.toThrow(/failed for 10000 ms, last with: connect ECONNREFUSED/);
  expect(slept.reduce((sum, ms) => sum + ms)).toBeGreaterThan(9_000);
  expect(Math.max(...slept)).toBe(1_000);
});

test("an endpoint that never answered is given up sooner", async () => {
  const { clock, slept } = heldClock();
  const attempt = patience(clock).run("asking", async () => {
    throw refused();
  });
  await expect(attempt).rejects.toThrow(SenpuError);
  expect(slept.reduce((sum, ms) => sum + ms)).toBeLessThanOrEqual(1_000);
});

test("an abort ends waiting with its own reason", async () => {
  const { clock } = heldClock();
  const stop = new AbortController();
  const attempt = async () => {
    stop.abort(new Error("enough"));
    throw refused();
  };
  await expect(patience(clock).run("asking", attempt, stop.signal)).rejects.toThrow();
});

test("once closed, nothing is repeated", async () => {
  const { clock, slept } = heldClock();
  const attempt = patience(clock, AbortSignal.abort()).run("asking", failing(refused()));
  await expect(attempt).rejects.toThrow(
    /had failed \(connect ECONNREFUSED\) when this side was closed/,
  );
  expect(slept).toEqual([]);
});
