import picocolors from "picocolors";

/** The one place that decides whether output is coloured, and in what. */
export type Paint = ReturnType<typeof picocolors.createColors>;

/** What of a stream decides about colour; `process.stdout`, a pipe and a file all fit. */
export interface ColorStream {
  readonly isTTY?: boolean;
  hasColors?(): boolean;
}

/**
 * Only a terminal that can show colour gets it, and only when `--no-color` was not given.
 * Node's own `hasColors` minds NO_COLOR, FORCE_COLOR=0, NODE_DISABLE_COLORS and TERM=dumb.
 * `option` is commander's value of `--no-color`: false when it was given.
 */
export function wantsColor(stream: ColorStream, option: unknown): boolean {
  return option !== false && stream.isTTY === true && stream.hasColors?.() === true;
}

export function createPaint(color: boolean): Paint {
  return picocolors.createColors(color);
}
