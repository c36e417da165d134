/** Calls whose wait is over and that want a slot again: served before new ones, in their order. */
export class RetryLine {
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  #closed = false;

  get size(): number {
    return this.#waiting.length;
  }

  /** Resolves with a slot taken; rejects once the line is closed. `onWaiting`: someone has lined up. */
  wait(onWaiting: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error("the worker stops"));
        return;
      }
      this.#waiting.push({ resolve, reject });
      onWaiting();
    });
  }

  /** The slot just taken goes to the first in line. */
  next(): void {
    this.#waiting.shift()?.resolve();
  }

  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("the worker stops"));
  }
}
