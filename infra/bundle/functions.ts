/** The Lambda functions: where each begins, and how large what it loads at the start may become before somebody should look why. */
export const FUNCTIONS = {
  producer: { entry: "producer/entries/lambda-producer.ts", maxBytes: 900_000 },
  consumer: { entry: "consumer/entries/lambda-consumer.ts", maxBytes: 550_000 },
  recorder: { entry: "consumer/entries/lambda-recorder.ts", maxBytes: 320_000 },
  ledger: { entry: "consumer/entries/lambda-ledger.ts", minBytes: 5_000, maxBytes: 15_000 },
  "ledger-roles": { entry: "consumer/entries/lambda-ledger-roles.ts", maxBytes: 110_000 },
  "ledger-retention": {
    entry: "consumer/entries/lambda-ledger-retention.ts",
    minBytes: 2_000,
    maxBytes: 8_000,
  },
  register: { entry: "infra/entries/lambda-register.ts", maxBytes: 215_000 },
} as const;

export type FunctionName = keyof typeof FUNCTIONS;

export const FUNCTION_NAMES = Object.keys(FUNCTIONS) as FunctionName[];

/** Those that work on runs: `senpu invoke` runs them on this machine. */
export const RUN_FUNCTION_NAMES = ["producer", "consumer", "recorder"] as const;

export type RunFunctionName = (typeof RUN_FUNCTION_NAMES)[number];

export function isRunFunctionName(text: string | undefined): text is RunFunctionName {
  return RUN_FUNCTION_NAMES.some((name) => name === text);
}
