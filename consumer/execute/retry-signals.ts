import type { Lack } from "../auth/credentials.ts";
import type { Attempt } from "./attempt.ts";
import type { HttpRequest } from "./request.ts";

/** What is thrown within the loop of a call's tries: what becomes of it next. */

/** This attempt failed in a way that another may mend. */
export class TryAgain extends Error {
  readonly tried: Tried;
  constructor(tried: Tried) {
    super("try again");
    this.tried = tried;
  }
}

export interface Tried {
  readonly request: HttpRequest;
  readonly attempt: Attempt;
  /** Its credentials were refused, and others are being fetched. */
  readonly isRefused: boolean;
}

/** What it needs is not to be had in time. */
export class Refused extends Error {
  readonly lack: Lack;
  constructor(lack: Lack) {
    super("refused");
    this.lack = lack;
  }
}

/** It has been settled meanwhile. */
export class Concluded extends Error {}

/** The wait is too long for this worker, or the worker stops. */
export class PutBack extends Error {
  readonly due: number;
  constructor(due: number) {
    super("put back");
    this.due = due;
  }
}

export class Expired extends Error {}
