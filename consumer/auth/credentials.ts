import type { Reason } from "../../shared/model/outcome.ts";
import type { AttemptEnd } from "../execute/judge.ts";
import type { HttpRequest } from "../execute/request.ts";

/** What calls of one `auth` are sent with, computed once for all that follow until it changes. */
export interface Credentials {
  /** Changes when they do. */
  readonly version: number;
  readonly header?: readonly [name: string, value: string];
  /** `name=value`, encoded. */
  readonly query?: string;
  /** Where each request has its own. */
  readonly sign?: (request: HttpRequest) => Promise<HttpRequest>;
}

/** Why a call cannot be given what it needs now. `coming`: it is on its way. `later`: epoch milliseconds of the next try. */
export type Lack =
  | { readonly kind: "coming" }
  | { readonly kind: "later"; readonly at: number; readonly error: string }
  | { readonly kind: "never"; readonly reason: Reason; readonly error: string };

/** Whoever gives credentials did not. Its message says what it did instead, and no secret. */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
  /** As of an attempt: judged by the same policy. */
  readonly end: AttemptEnd;
  readonly retryAfter: string | undefined;

  constructor(message: string, end: AttemptEnd, retryAfter?: string) {
    super(message);
    this.end = end;
    this.retryAfter = retryAfter;
  }
}
