import { readFileSync } from "node:fs";

/**
 * Preloaded into a process (`node --import`) whose clock is to jump: what `Date` says is off by as many milliseconds as
 * stand in the file that `SENPU_TEST_CLOCK` names, read ten times a second. Timers and `performance` run on, as they do
 * when a machine's clock is set.
 */
const file = process.env["SENPU_TEST_CLOCK"];
const LOOK_MS = 100;

if (file !== undefined) {
  const RealDate = Date;
  const realNow = Date.now;
  let offsetMs = 0;
  const look = (): void => {
    try {
      offsetMs = Number(readFileSync(file, "utf8")) || 0;
    } catch {
      // Nobody has set the clock yet.
    }
  };
  look();
  setInterval(look, LOOK_MS).unref();
  Date.now = () => realNow() + offsetMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, words: [], self) =>
      Reflect.construct(target, words.length === 0 ? [Date.now()] : words, self) as object,
  });
}
