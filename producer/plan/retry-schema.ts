import { z } from "zod";
import {
  addFault,
  closedObject,
  durationMs,
  percentage,
  wholeNumber,
} from "../../shared/document/scalars.ts";
import { formatDuration } from "../../shared/duration.ts";
import type { Backoff, RetryCause, RetryPolicy, RetryRule } from "../../shared/model/policy.ts";

/** What is tried again, how often and when; and when a destination is left alone. */

const RETRY_RIGHT = "a status from 100 to 599, network, refused, reset, dns, timeout or expect";
const MAX_ATTEMPTS = 100;
const MAX_BACKOFF_MS = 3_600_000;
/** No run's deadline is longer. */
const MAX_WAIT_MS = 14 * 86_400_000;
const FACTOR_RIGHT = "a number from 1 to 100";

export const statusSchema = wholeNumber(100, 599);

const missing = z.enum(["network", "refused", "reset", "dns", "timeout", "expect"]);

const cause = z.union([statusSchema, missing], { error: RETRY_RIGHT });

/** One or several. One level of choices, so that who wrote another is told what is right of the one that was meant. */
const causes = z.union(
  [
    statusSchema.transform((one): RetryCause[] => [one]),
    missing.transform((one): RetryCause[] => [one]),
    z.array(cause).min(1, { error: `${RETRY_RIGHT}, or a list of them` }),
  ],
  { error: `${RETRY_RIGHT}, or a list of them` },
);

const backoffFields = {
  first: durationMs(1, MAX_BACKOFF_MS),
  factor: z.number({ error: FACTOR_RIGHT }).min(1, { error: FACTOR_RIGHT }).max(100, {
    error: FACTOR_RIGHT,
  }),
  max: durationMs(1, MAX_BACKOFF_MS),
  jitter: z.enum(["full", "none"], { error: "full or none" }),
};

const ABOUT_BACKOFF = {
  first: "The delay before the second try.",
  factor: "Each further delay is so many times the last.",
  max: "The longest delay.",
  jitter: "full: uniformly between 0 and the delay; none: the delay itself.",
};

const backoff = closedObject({
  first: backoffFields.first.prefault("500ms").meta({ description: ABOUT_BACKOFF.first }),
  factor: backoffFields.factor.default(2).meta({ description: ABOUT_BACKOFF.factor }),
  max: backoffFields.max.prefault("30s").meta({ description: ABOUT_BACKOFF.max }),
  jitter: backoffFields.jitter.default("full").meta({ description: ABOUT_BACKOFF.jitter }),
}).transform(({ first, factor, max, jitter }): Backoff => ({
  firstMs: first,
  factor,
  maxMs: max,
  jitter,
}));

const rule = closedObject({
  on: causes.meta({
    description: "Kinds of failure that count together, and apart from all others.",
  }),
  attempts: z
    .union([wholeNumber(1, MAX_ATTEMPTS), z.literal("unlimited").transform(() => null)], {
      error: `a whole number from 1 to ${MAX_ATTEMPTS}, or unlimited`,
    })
    .meta({
      description:
        "Failures of these kinds with which a call is given up; unlimited: its deadline.",
    }),
  backoff: closedObject({
    first: backoffFields.first.optional().meta({ description: ABOUT_BACKOFF.first }),
    factor: backoffFields.factor.optional().meta({ description: ABOUT_BACKOFF.factor }),
    max: backoffFields.max.optional().meta({ description: ABOUT_BACKOFF.max }),
    jitter: backoffFields.jitter.optional().meta({ description: ABOUT_BACKOFF.jitter }),
  })
    .optional()
    .meta({
      description:
        "Counts failures of these kinds only. What it leaves out is as in retry.backoff.",
    }),
});

export const retrySchema = closedObject({
  attempts: wholeNumber(1, MAX_ATTEMPTS)
    .default(5)
    .meta({ description: "Tries in all, the first included." }),
  backoff: backoff.prefault({}).meta({ description: "How long to wait before a further try." }),
  on: z
    .array(cause, { error: `a list; ${RETRY_RIGHT}` })
    .default([408, 425, 429, 500, 502, 503, 504, "network", "timeout"])
    .meta({
      description:
        "What is tried again. network: refused, reset, dns and the like; expect: an answer that is not what `expect` asks.",
    }),
  rules: z
    .array(rule, { error: "a list of rules with on and attempts" })
    .default([])
    .meta({
      description:
        "Kinds of failure with attempts and a backoff of their own; the first that names a failure holds. Need not stand in `on`.",
      examples: [[{ on: 429, attempts: "unlimited" }]],
    }),
  maxRetryAfter: durationMs(1_000, MAX_WAIT_MS)
    .prefault("1h")
    .meta({ description: "The longest Retry-After that is believed; a longer one is cut to it." }),
  unsafe: z.boolean({ error: "true or false" }).default(false).meta({
    description: "Repeat POST and PATCH after an unknown result (timeout, connection lost, crash)?",
  }),
}).transform((written, context): RetryPolicy => {
  const { rules, maxRetryAfter, ...rest } = written;
  tellShadowed(rules, context);
  return {
    ...rest,
    rules: rules.map(({ on, attempts, backoff }): RetryRule => ({
      on,
      attempts,
      ...(backoff === undefined ? {} : { backoff: overlay(rest.backoff, backoff) }),
    })),
    maxRetryAfterMs: maxRetryAfter,
  };
});

function overlay(
  plain: Backoff,
  own: {
    readonly first?: number | undefined;
    readonly factor?: number | undefined;
    readonly max?: number | undefined;
    readonly jitter?: Backoff["jitter"] | undefined;
  },
): Backoff {
  return {
    firstMs: own.first ?? plain.firstMs,
    factor: own.factor ?? plain.factor,
    maxMs: own.max ?? plain.maxMs,
    jitter: own.jitter ?? plain.jitter,
  };
}

const OF_NETWORK: ReadonlySet<RetryCause> = new Set(["refused", "reset", "dns"]);

/** A rule that can never hold for what it names is a mistake: an earlier one does. */
function tellShadowed(
  rules: readonly { readonly on: readonly RetryCause[] }[],
  context: { issues: unknown[] },
): void {
  const first = new Map<RetryCause, number>();
  rules.forEach(({ on }, index) => {
    for (const cause of on) {
      const earlier =
        first.get(cause) ?? (OF_NETWORK.has(cause) ? first.get("network") : undefined);
      if (earlier === undefined) {
        first.set(cause, index);
        continue;
      }
      addFault(
        context,
        cause,
        ["rules", index, "on"],
        earlier === index
          ? `names ${cause} twice`
          : `rules[${earlier}] holds for ${cause} already; put this rule before it, or leave ${cause} out`,
      );
    }
  });
}

const breakerFields = closedObject({
  share: percentage(1, 100)
    .prefault("90%")
    .meta({ description: "It opens when so many of the attempts in `window` have failed." }),
  minimum: wholeNumber(1, 100_000)
    .default(50)
    .meta({ description: "And when at least so many were made in it." }),
  window: durationMs(1_000, 600_000)
    .prefault("10s")
    .meta({ description: "The time that attempts are looked at together." }),
  pause: durationMs(100, MAX_BACKOFF_MS)
    .prefault("5s")
    .meta({ description: "How long a destination is left alone before one call tries it." }),
  max: durationMs(100, MAX_BACKOFF_MS)
    .prefault("60s")
    .meta({ description: "The pause doubles with each try that fails, up to this." }),
  giveUp: durationMs(1_000, MAX_WAIT_MS).prefault("15m").meta({
    description: "After so long without a good answer, calls use up their attempts again.",
  }),
}).transform((written, context) => {
  const { share, minimum, window, pause, max, giveUp } = written;
  if (pause > max) {
    const told = `${formatDuration(pause)} is longer than max, ${formatDuration(max)}; shorten it, or raise max`;
    addFault(context, written, ["pause"], told);
  }
  return {
    share,
    minimum,
    windowMs: window,
    pauseMs: pause,
    maxPauseMs: max,
    giveUpMs: giveUp,
  };
});

export const breakerSchema = z.union([z.literal(false).transform(() => null), breakerFields], {
  error: "false, or an object with share, minimum, window, pause, max, giveUp",
});
