import type { Call } from "../../shared/model/call.ts";
import { splitUrl } from "../execute/request.ts";
import type { Chunk } from "./chunk.ts";

const SLASH = 47;

/** Finds the origins of calls; those of one chunk mostly share theirs, which then costs a comparison. */
export class OriginFinder {
  #last = "";

  /** Empty for a call that cannot be made: it fails when it is started. */
  find(chunk: Chunk, { url }: Call): string {
    const last = this.#last;
    if (last !== "" && url.charCodeAt(last.length) === SLASH && url.startsWith(last)) return last;
    try {
      this.#last = splitUrl(url, chunk.access?.resolve).origin;
    } catch {
      this.#last = "";
    }
    return this.#last;
  }
}
