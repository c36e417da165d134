import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

export type Child = ChildProcessByStdio<null, Readable, Readable>;

/** A signal that is not obeyed within this is followed by SIGKILL. */
const STOP_MS = 3_000;

/**
 * A temporary folder and the processes that a bench starts. `open` until `close`, which ends the processes, waits for
 * them and removes the folder; a process that ends without it (a second Ctrl-C) still kills and removes.
 */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), "senpu-bench-"));
  readonly #children = new Set<Child>();
  readonly #onExit = (): void => this.#removeAtOnce();

  constructor() {
    process.once("exit", this.#onExit);
  }

  /** A new folder in the temporary one. */
  makeFolder(name: string): string {
    return mkdtempSync(join(this.folder, `${name}-`));
  }

  removeFolder(folder: string): void {
    rmSync(folder, { recursive: true, force: true });
  }

  start(command: string, args: readonly string[]): Child {
    const child = spawn(command, args, { cwd: this.folder, stdio: ["ignore", "pipe", "pipe"] });
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
    return child;
  }

  /** Resolves once the process has ended and what it wrote has been read. */
  async stop(child: Child, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (!this.#children.has(child)) return;
    const closed = once(child, "close");
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await closed;
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#children].map((child) => this.stop(child)));
    this.removeFolder(this.folder);
    process.off("exit", this.#onExit);
  }

  #removeAtOnce(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    this.removeFolder(this.folder);
  }
}
