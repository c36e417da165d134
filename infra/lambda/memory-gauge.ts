import { readFileSync } from "node:fs";

const LOOK_MS = 50;

/** Watches how much memory a process has resident, and tells when it is more than it may. Measures on Linux only. */
export class MemoryGauge {
  readonly #status: string;
  readonly #timer: NodeJS.Timeout;
  #maxMb = 0;
  #isOver = false;

  constructor(pid: number | undefined, limitMb: number, onOver: () => void) {
    this.#status = `/proc/${pid}/status`;
    this.#timer = setInterval(() => {
      this.#look();
      if (this.#maxMb <= limitMb || this.#isOver) return;
      this.#isOver = true;
      onOver();
    }, LOOK_MS);
    this.#timer.unref();
  }

  /** The most so far, in MB of 2^20 bytes; 0 where it cannot be measured. */
  get maxMb(): number {
    this.#look();
    return this.#maxMb;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    try {
      const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(this.#status, "utf8"))?.[1];
      this.#maxMb = Math.max(this.#maxMb, Math.ceil(Number(kilobytes ?? 0) / 1024));
    } catch {
      // It has ended, or this is not Linux.
    }
  }
}
