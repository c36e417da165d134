import { Renewable } from "../renewable.ts";
import type { FetchFailure } from "../renewable.ts";
import { environmentVariable } from "../environment.ts";
import { readSecretFile } from "./folder-secrets.ts";
import { replaceReferences } from "./references.ts";
import type { SecretName } from "./references.ts";
import type { SecretSource } from "./secret-source.ts";

/** Nobody has a secret of that name; the message names it, and says where was looked. */
export class MissingSecretError extends Error {
  override readonly name = "MissingSecretError";
}

/** A store that has refused, or does not have the secret, is asked again so much later. */
const MISSING_RETRY_MS = 10_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
/** Shorter values are found in too many texts that do not hold them. */
const LEAST_REDACTED = 4;

/**
 * Secrets by name, read when they are first needed and kept for a time; one read at a time of each, however many ask.
 * After its time a secret is read anew beside its use, so that no call waits; a read that fails then leaves the old one.
 * Variables of the environment cost nothing to read and are not kept.
 */
export class Secrets {
  readonly #sources: readonly SecretSource[];
  readonly #ttlMs: number;
  /** By the name without a field. */
  readonly #kept = new Map<string, Renewable<string>>();
  /** All that were ever given out, so that errors can be rid of them. */
  readonly #values = new Set<string>();

  /** `sources`: of `secret:…`, the first that has it counts. */
  constructor(sources: readonly SecretSource[], ttlMs: number) {
    this.#sources = sources;
    this.#ttlMs = ttlMs;
  }

  get ttlMs(): number {
    return this.#ttlMs;
  }

  /** The secret, if it is at hand. Throws {@link MissingSecretError} for a variable or a field that is not there. */
  peek(name: SecretName, now: number): string | undefined {
    if (name.startsWith("env:")) return this.#note(readVariable(name.slice(4)));
    const whole = this.#keptOf(baseOf(name)).get(now);
    return whole === undefined ? undefined : this.#note(pick(name, whole));
  }

  /**
   * Resolves once all of them are at hand. Throws {@link MissingSecretError}, or SenpuError `secrets` when a store cannot
   * be asked.
   */
  async load(names: readonly SecretName[]): Promise<void> {
    await Promise.all(names.map((name) => this.#loadOne(name)));
  }

  async #loadOne(name: SecretName): Promise<void> {
    if (this.peek(name, Date.now()) !== undefined) return;
    const kept = this.#keptOf(baseOf(name));
    if (kept.isFetching) {
      await new Promise<void>((resolve) => kept.onChange(resolve, Date.now()));
    }
    if (this.peek(name, Date.now()) === undefined) throw kept.failure?.error;
  }

  /** Why it is not at hand; undefined: it is, or is being read. */
  failureOf(name: SecretName): FetchFailure | undefined {
    const kept = this.#kept.get(baseOf(name));
    return kept?.isFetching === true ? undefined : kept?.failure;
  }

  /** Called once, when the secret has been read, in vain or not, or may be again. */
  onChange(name: SecretName, listener: () => void, now: number): void {
    this.#kept.get(baseOf(name))?.onChange(listener, now);
  }

  /** Whoever they are for has refused them: what is kept of them is read anew, and used until then. */
  age(names: readonly SecretName[]): void {
    for (const name of names) {
      const kept = this.#kept.get(baseOf(name));
      kept?.age(kept.version);
    }
  }

  /** Resolves once what was aged has been read, in vain or not. */
  async reload(names: readonly SecretName[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        const kept = this.#kept.get(baseOf(name));
        kept?.get(Date.now());
        if (kept?.isFetching) {
          await new Promise<void>((resolve) => kept.onChange(resolve, Date.now()));
        }
      }),
    );
  }

  /**
   * The text with its references resolved, all of which must be at hand. Only what is about to be sent may hold it.
   * Throws {@link MissingSecretError}.
   */
  resolve(text: string): string {
    return replaceReferences(text, (name) => {
      const value = this.peek(name, Date.now());
      if (value === undefined) throw new MissingSecretError(`secret ${name} is not at hand`);
      return value;
    });
  }

  /** The text without any secret that was given out: as it is, in base64, or as a URL has it. */
  redact(text: string): string {
    let clean = text;
    for (const value of this.#values) {
      for (const form of [value, encodeURIComponent(value), base64(value)]) {
        if (form.length >= LEAST_REDACTED) clean = clean.replaceAll(form, "[secret]");
      }
    }
    return clean;
  }

  /** Something that was made of secrets, such as a token, and must not be told either. */
  note(value: string): void {
    this.#note(value);
  }

  #note(value: string): string {
    this.#values.add(value);
    return value;
  }

  #keptOf(name: SecretName): Renewable<string> {
    const known = this.#kept.get(name);
    if (known !== undefined) return known;
    const kept = new Renewable<string>(
      async () => {
        const value = await this.#read(name);
        return { value, freshUntil: Date.now() + this.#ttlMs, validUntil: Infinity };
      },
      ({ error, count }) =>
        error instanceof MissingSecretError
          ? MISSING_RETRY_MS
          : Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (count - 1)),
    );
    this.#kept.set(name, kept);
    return kept;
  }

  async #read(name: SecretName): Promise<string> {
    if (name.startsWith("file:")) {
      const path = name.slice(5);
      const value = await readSecretFile(path);
      if (value !== undefined) return value;
      throw new MissingSecretError(`${name}: there is no file ${path} where the worker runs`);
    }
    const bare = name.slice("secret:".length);
    for (const source of this.#sources) {
      const value = await source.read(bare);
      if (value !== undefined) return value;
    }
    const places = this.#sources.map((source) => source.describe(bare)).join(", nor ");
    throw new MissingSecretError(`secret ${bare} does not exist: there is no ${places}`);
  }
}

function readVariable(name: string): string {
  const value = environmentVariable(name);
  if (value !== undefined) return value;
  throw new MissingSecretError(`environment variable ${name} is not set in the worker`);
}

/** What is read of a store: the name without its field. */
function baseOf(name: SecretName): SecretName {
  const at = name.startsWith("secret:") ? name.indexOf("#") : -1;
  return at === -1 ? name : name.slice(0, at);
}

function pick(name: SecretName, whole: string): string {
  const base = baseOf(name);
  if (base === name) return whole;
  const field = name.slice(base.length + 1);
  let value: unknown;
  try {
    value = (JSON.parse(whole) as Record<string, unknown> | null)?.[field];
  } catch {
    throw new MissingSecretError(`secret ${base.slice(7)} is no JSON, so it has no field ${field}`);
  }
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw new MissingSecretError(`secret ${base.slice(7)} has no field ${field} that is text`);
}

function base64(value: string): string {
  return Buffer.from(value).toString("base64").replace(/=+$/, "");
}
