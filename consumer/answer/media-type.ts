import { AnswerFault } from "./answer-fault.ts";

/** What a Content-Type says of a body (RFC 9110, 8.3). */
export interface MediaType {
  /** `application/json`; empty where there is none. */
  readonly type: string;
  /** As it was written; undefined where nothing was said. */
  readonly charset: string | undefined;
  readonly isJson: boolean;
  /** Of a type that is text; one without a type may be, which its bytes tell. */
  readonly isText: boolean;
}

const TEXTS = /^text\/|[/+](?:json|xml|yaml|javascript|ecmascript|x-www-form-urlencoded|graphql)$/;

export function parseMediaType(contentType: string): MediaType {
  const [type = "", ...parameters] = contentType.split(";");
  const named = type.trim().toLowerCase();
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/i.exec(parameter)?.[1])
    .find((value) => value !== undefined && value !== "");
  const isJson = /[/+]json$/.test(named);
  return { type: named, charset, isJson, isText: TEXTS.test(named) || charset !== undefined };
}

/** Throws {@link AnswerFault} for a charset that nobody knows. */
export function decoderOf({ charset }: MediaType): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset ?? "utf-8", { fatal: true });
  } catch {
    throw new AnswerFault(`charset ${charset?.slice(0, 40)} is not known`);
  }
}

/**
 * The body as text; undefined for one that is none. A body that is not in the charset that it names is a fault; one that
 * names none is text where it is UTF-8.
 */
export function textOf(media: MediaType, body: Uint8Array): string | undefined {
  if (!media.isText && media.type !== "") return undefined;
  const decoder = decoderOf(media);
  try {
    return decoder.decode(body);
  } catch {
    if (media.charset === undefined && !media.isJson) return undefined;
    throw new AnswerFault(`its body is not ${media.charset ?? "utf-8"}, as its type says`);
  }
}
