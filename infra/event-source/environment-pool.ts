import { ExecutionEnvironment } from "../lambda/execution-environment.ts";
import type { EnvironmentOptions } from "../lambda/execution-environment.ts";

/**
 * A function's execution environments: a warm one is used again, the one used last first; a dead one is not.
 * Source: Lambda developer guide, "Understanding the Lambda execution environment lifecycle".
 */
export class EnvironmentPool {
  readonly #options: EnvironmentOptions;
  readonly #max: number;
  readonly #all = new Set<ExecutionEnvironment>();
  readonly #idle: ExecutionEnvironment[] = [];
  #busy = 0;
  #started = 0;

  constructor(options: EnvironmentOptions, max: number) {
    this.#options = options;
    this.#max = max;
  }

  /** Environments started so far. */
  get started(): number {
    return this.#started;
  }

  /** Undefined: throttled, since as many are busy as may be. Give it back after one event. */
  async take(): Promise<ExecutionEnvironment | undefined> {
    if (this.#busy >= this.#max) return undefined;
    this.#busy++;
    const warm = this.#idle.pop();
    if (warm !== undefined) return warm;
    try {
      this.#started++;
      const environment = await ExecutionEnvironment.start(this.#options);
      this.#all.add(environment);
      return environment;
    } catch (error) {
      this.#busy--;
      throw error;
    }
  }

  give(environment: ExecutionEnvironment): void {
    this.#busy--;
    if (environment.isDead) this.#all.delete(environment);
    else this.#idle.push(environment);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((environment) => environment.stop()));
  }
}
