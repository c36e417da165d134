/**
 * The part of undici that every worker uses, by its own file: the package's one entry loads fetch, WebSockets and caches
 * with it, and takes a tenth of a second of each process's start. Should a later version move it, what imports it does
 * not start, and no test passes.
 */
declare module "undici/lib/dispatcher/pool.js" {
  import { Pool } from "undici";
  export default Pool;
}
