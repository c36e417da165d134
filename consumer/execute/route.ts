import type { Dispatcher } from "undici";

/** A way to an origin that is not the direct one: through a proxy. */
export interface Route {
  /** Tells one from another; holds no secret. */
  readonly key: string;
  /** The pool of one origin. */
  open(origin: string): Dispatcher;
}
