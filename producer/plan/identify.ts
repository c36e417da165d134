import { hash } from "node:crypto";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Fault, notAllowed, show } from "../../shared/document/fault.ts";
import type { Call } from "../../shared/model/call.ts";

const MAX_ID_CHARACTERS = 200;
const DERIVED_CHARACTERS = 16;

/** The id, when it can be one; throws a {@link Fault} otherwise. */
export function checkId(id: string): string {
  if (id === "") throw new Fault("the id is empty");
  if (id.length > MAX_ID_CHARACTERS) {
    throw new Fault(`the id has ${id.length} characters; at most ${MAX_ID_CHARACTERS}`);
  }
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f]/.test(id) || !id.isWellFormed()) {
    throw new Fault(notAllowed(id, "an id without control characters"));
  }
  return id;
}

/**
 * An id from what the call does: method, URL, own headers and body, whatever the order of its headers.
 * JSON keeps the parts apart, so that no two calls look alike.
 */
export function deriveId(call: Omit<Call, "id">): string {
  const headers = Object.entries(call.headers ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = [
    call.method ?? "GET",
    call.url,
    headers,
    call.json === undefined ? null : ["json", call.json],
    call.body === undefined ? null : ["body", call.body],
  ];
  return hash("sha256", JSON.stringify(parts), "base64url").slice(0, DERIVED_CHARACTERS);
}

/** So many ids are kept in memory, some ten megabytes; from then on all of them on disk. */
const MAX_IN_MEMORY = 100_000;

/**
 * The ids given out in one reading of a plan: exact, and beyond a hundred thousand in a temporary database on disk, so
 * that memory does not grow with their number. The same calls in the same order get the same ids.
 */
export class Identities {
  /** How often each was given; undefined once they are on disk. */
  #inMemory: Map<string, number> | undefined = new Map();
  readonly #maxInMemory: number;
  #onDisk: GivenOnDisk | undefined;

  constructor(maxInMemory = MAX_IN_MEMORY) {
    this.#maxInMemory = maxInMemory;
  }

  /** False when the id has been given already. */
  claim(id: string): boolean {
    return this.#times(id) === 1;
  }

  /** An id for a call without one: derived, and counted where the same call stands again (`…-2`, `…-3`). */
  derive(call: Omit<Call, "id">): string {
    const derived = deriveId(call);
    for (;;) {
      const times = this.#times(derived);
      if (times === 1) return derived;
      if (this.claim(`${derived}-${times}`)) return `${derived}-${times}`;
    }
  }

  /** An id for a row that is no call: its own if that is free, else its own with the row's number. */
  claimForInvalid(id: string | undefined, row: number): string {
    if (id !== undefined && this.claim(id)) return id;
    return this.claimWithRow(id, row);
  }

  claimWithRow(id: string | undefined, row: number): string {
    const suffix = `#${row}`;
    let candidate =
      id === undefined
        ? `row-${row}`
        : `${id.slice(0, MAX_ID_CHARACTERS - suffix.length)}${suffix}`;
    while (!this.claim(candidate)) candidate += suffix;
    return candidate;
  }

  close(): void {
    this.#onDisk?.close();
  }

  /** Counts it; returns how often it was given, this time included. */
  #times(id: string): number {
    if (this.#inMemory === undefined) return this.#onDisk!.times(id);
    const times = (this.#inMemory.get(id) ?? 0) + 1;
    this.#inMemory.set(id, times);
    if (this.#inMemory.size > this.#maxInMemory) {
      this.#onDisk = new GivenOnDisk(this.#inMemory);
      this.#inMemory = undefined;
    }
    return times;
  }
}

class GivenOnDisk {
  readonly #database = new DatabaseSync("");
  readonly #count: StatementSync;

  constructor(given: ReadonlyMap<string, number>) {
    this.#database.exec(`
      pragma journal_mode = off;
      pragma synchronous = off;
      pragma cache_size = -8000;
      create table given (id text primary key, times integer not null) without rowid;
      begin;
    `);
    const insert = this.#database.prepare("insert into given values (?, ?)");
    for (const [id, times] of given) insert.run(id, times);
    this.#count = this.#database.prepare(
      "insert into given values (?, 1) on conflict do update set times = times + 1 returning times",
    );
    this.#count.setReturnArrays(true);
  }

  times(id: string): number {
    return (this.#count.get(id) as unknown as [number])[0];
  }

  close(): void {
    this.#database.close();
  }
}

/** What is said of the second call with an id. */
export function alreadyUsed(id: string): string {
  return `id ${show(id)} is already used`;
}
