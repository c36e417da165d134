import { createHash } from "node:crypto";

/** How the demo API behaves: the same at each demo, so that what it shows can be explained. Pure. */

/** The API does not know this place: 404. */
export const UNKNOWN_PLACE = "Atlantis";
/** The station there fails at every attempt: 500. */
export const BROKEN_PLACE = "El Dorado";

/** First tries, counted from 1 over the whole API, that may meet it overloaded: some 6 % of the demo's calls. */
const OVERLOADS: readonly { readonly from: number; readonly to: number }[] = [
  { from: 60, to: 67 },
  { from: 160, to: 167 },
];

/** At the most: an overload is over when so many have met it, or when it has lasted for {@link OVERLOAD_MS}. */
export const OVERLOADED_TRIES = OVERLOADS.reduce((sum, { from, to }) => sum + to - from + 1, 0);

/** Shorter than the Retry-After: who comes back when told to is taken, on a slow machine too. */
const OVERLOAD_MS = 800;

/** The API's load at the first tries of a demo, which it is told of in their order. */
export class Load {
  #since = new Map<number, number>();

  /** `now`: milliseconds of any clock that only goes forward. */
  isTooMuch(firstTry: number, now: number): boolean {
    const overload = OVERLOADS.find(({ from, to }) => firstTry >= from && firstTry <= to);
    if (overload === undefined) return false;
    const since = this.#since.get(overload.from) ?? now;
    this.#since.set(overload.from, since);
    return now - since < OVERLOAD_MS;
  }
}

/** An overloaded API is slow even to say so; calls under way meanwhile meet the same overload. */
export const REFUSAL_LATENCY_MS = 130;
export const RETRY_AFTER_SECONDS = 1;

/** Mostly 20–120 ms; one in twenty takes 400–900 ms. */
export function latencyMs(seed: string, key: string): number {
  const share = fractionOf(`${seed} latency ${key}`);
  const isSlow = fractionOf(`${seed} slow ${key}`) < 0.05;
  return Math.round(isSlow ? 400 + share * 500 : 20 + share * 100);
}

/** Degrees Celsius, made up: warm at the equator, cold at the poles, and a little weather. */
export function temperatureCelsius(seed: string, latitude: number, longitude: number): number {
  const climate = 30 - Math.abs(latitude) * 0.55;
  const weather = (fractionOf(`${seed} weather ${latitude} ${longitude}`) - 0.5) * 10;
  return Math.round((climate + weather) * 10) / 10;
}

/** 0 up to, but not, 1; the same for the same text. */
function fractionOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0) / 2 ** 32;
}
