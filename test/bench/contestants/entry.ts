/** What a contestant's process is given, as JSON in its first argument. */
export interface EntryOptions {
  readonly url: string;
  readonly calls: number;
  readonly concurrency: number;
  /** An empty folder of its own. */
  readonly folder: string;
  /** Default 1. */
  readonly callsPerMessage?: number;
  readonly redisPort?: number;
}

/** What it tells, as JSON on stdout. */
export interface EntryResult {
  readonly succeeded: number;
  /** From the first call, or the first message sent, to the last that was done: without the start of anything. */
  readonly insideMs: number;
}

export function readEntryOptions(): EntryOptions {
  return JSON.parse(process.argv[2] ?? "") as EntryOptions;
}

export function tellResult(result: EntryResult): void {
  process.stdout.write(JSON.stringify(result));
}

/** The URLs are those of senpu's plan. */
export function callUrl(url: string, id: number): string {
  return `${url}${callPath(id)}`;
}

export function callPath(id: number): string {
  return `/items?id=item-${id}`;
}
