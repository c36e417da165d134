import type { Dispatcher, Pool } from "undici";

/** A way to origins that is not the direct one: through a proxy. */
export interface Route {
  /** Tells one from another; holds no secret. */
  readonly key: string;
  /** The connections to one origin. `options`: as without a route; the guard's lookup holds for what goes directly. */
  open(options: Pool.Options): Dispatcher;
}
