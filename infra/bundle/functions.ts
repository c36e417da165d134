/** The Lambda functions: where each begins, and how large its bundle may become before somebody should look why. */
export const FUNCTIONS = {
  producer: { entry: "producer/entries/lambda-producer.ts", maxBytes: 800_000 },
  consumer: { entry: "consumer/entries/lambda-consumer.ts", maxBytes: 480_000 },
  recorder: { entry: "consumer/entries/lambda-recorder.ts", maxBytes: 300_000 },
} as const;

export type FunctionName = keyof typeof FUNCTIONS;

export const FUNCTION_NAMES = Object.keys(FUNCTIONS) as FunctionName[];

export function isFunctionName(text: string | undefined): text is FunctionName {
  return text !== undefined && Object.hasOwn(FUNCTIONS, text);
}
