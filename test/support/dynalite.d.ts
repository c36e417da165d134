declare module "dynalite" {
  import type { Server } from "node:http";

  /** A DynamoDB of its own in memory, as a handler of HTTP that does not listen yet. */
  function dynalite(options?: {
    /** How long a new table is CREATING. Default 500. */
    readonly createTableMs?: number;
  }): Server;
  export = dynalite;
}
