import type { Reason } from "../model/outcome.ts";

/** Why calls failed, in words for somebody who does not know our reasons or HTTP by heart. */

/** `rejected 404`, `exhausted`: what the filters `--reason` and `--status` take. */
export function nameCause(reason: Reason, status: number | null): string {
  return status === null ? reason : `${reason} ${status}`;
}

/** Half a sentence, without a full stop. */
export function explainCause(reason: Reason, status: number | null): string {
  return EXPLANATIONS[reason](status);
}

const EXPLANATIONS: Readonly<Record<Reason, (status: number | null) => string>> = {
  rejected: (status) => (status === null ? "the answer was no success" : explainRejection(status)),
  exhausted: (status) =>
    `${status === null ? "no answer came" : explainRetried(status)}, at each attempt`,
  expired: () => "the run's deadline passed before it succeeded",
  unknown: () => "it was sent and nobody saw the answer; made again, it might count twice",
  abandoned: () => "its worker died while making it, again and again",
  invalid: () => "it could not be made: something is wrong with its row or URL",
  blocked: () => "it leads to an internal address that the plan does not allow",
};

const REJECTIONS: Readonly<Record<number, string>> = {
  400: "the API could not make sense of the request",
  401: "the API wants credentials, or better ones",
  402: "the API wants to be paid first",
  403: "the API does not allow this with these credentials",
  404: "the API said that there is no such thing",
  405: "the API does not take this method there",
  406: "the API has no answer of the accepted kind",
  409: "the API said that this conflicts with what it has",
  410: "the API said that this is gone for good",
  411: "the API wants to know the body's length",
  412: "a condition in the request's headers did not hold",
  413: "the body is larger than the API takes",
  414: "the URL is longer than the API takes",
  415: "the API does not take bodies of this kind",
  422: "the API understood the request, and refuses what it says",
  428: "the API wants a condition in the headers",
  429: "the API said that these are too many requests",
  431: "the headers are larger than the API takes",
  451: "the API may not answer this for legal reasons",
  501: "the API has not implemented this",
  505: "the API does not speak this version of HTTP",
};

function explainRejection(status: number): string {
  const known = REJECTIONS[status];
  if (known !== undefined) return known;
  if (status < 200) return "the answer was none";
  if (status < 300) return "an answer that the plan does not count as success";
  if (status < 400) return "the API sent it elsewhere more often than the plan follows";
  if (status < 500) return "the API refused the request";
  return "the API failed, with a status that the plan does not try again";
}

const RETRIED: Readonly<Record<number, string>> = {
  408: "the API waited too long for the request",
  409: "the API said that this conflicts with what it has",
  425: "the API said that it is too early",
  429: "the API said that these are too many requests",
  500: "the API failed inside",
  502: "the API's gateway got no proper answer",
  503: "the API said that it is not available",
  504: "the API's gateway waited in vain",
};

function explainRetried(status: number): string {
  return RETRIED[status] ?? (status < 500 ? "the API refused the request" : "the API failed");
}
