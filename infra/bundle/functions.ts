/** The Lambda functions: where each begins, and how large what it loads at the start may become before somebody should look why. */
export const FUNCTIONS = {
  producer: { entry: "producer/entries/lambda-producer.ts", maxBytes: 830_000 },
  consumer: { entry: "consumer/entries/lambda-consumer.ts", maxBytes: 520_000 },
  recorder: { entry: "consumer/entries/lambda-recorder.ts", maxBytes: 320_000 },
} as const;

export type FunctionName = keyof typeof FUNCTIONS;

export const FUNCTION_NAMES = Object.keys(FUNCTIONS) as FunctionName[];

export function isFunctionName(text: string | undefined): text is FunctionName {
  return text !== undefined && Object.hasOwn(FUNCTIONS, text);
}
