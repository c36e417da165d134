import { z } from "zod";
import { Fault } from "../document/fault.ts";
import { addFault, check, closedObject } from "../document/scalars.ts";
import type { AuthPolicy } from "../model/auth.ts";
import { checkReferences, namesIn } from "../secrets/references.ts";

/** `auth`, as a plan and the configuration write it alike. What is secret of it is written as a reference, never out. */

const REFERENCE_RIGHT = "write ${env:NAME}, ${file:/path} or ${secret:name} in its place";

/** Its value is never shown: `issues.ts` shows none below `auth`. */
function secretText(what: string) {
  return z
    .string({ error: `text with a reference; ${REFERENCE_RIGHT}` })
    .transform((text, context) =>
      check(context, text, () => {
        if (namesIn(checkReferences(text)).length > 0) return text;
        throw new Fault(`${what} does not belong in a file; ${REFERENCE_RIGHT}`);
      }),
    );
}

const plainText = (right: string) =>
  z
    .string({ error: right })
    .min(1, { error: right })
    .transform((text, context) => check(context, text, () => checkReferences(text)));

const basic = closedObject({
  username: plainText("the user's name").meta({ description: "May be plain, or hold references." }),
  password: secretText("a password").meta({ description: "A reference." }),
});

/** RFC 9110, 5.6.2: `token`. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_RIGHT = "a header's name, such as x-api-key";

const apiKey = closedObject({
  header: z
    .string({ error: HEADER_RIGHT })
    .regex(HEADER_NAME, { error: HEADER_RIGHT })
    .optional()
    .meta({ description: "The header that carries it. Either this or query." }),
  query: z
    .string({ error: "a query parameter's name, such as api_key" })
    .min(1, { error: "a query parameter's name, such as api_key" })
    .optional()
    .meta({ description: "The query parameter that carries it, in no URL that is told." }),
  value: secretText("a key").meta({ description: "A reference." }),
}).transform((written, context): AuthPolicy => {
  const { header, query, value } = written;
  if ((header === undefined) === (query === undefined)) {
    const which = header === undefined ? "is missing its place" : "has two places";
    addFault(context, "", [], `${which}; give header or query, which names it`);
  }
  return header === undefined
    ? { kind: "apiKey", in: "query", name: query ?? "", value }
    : { kind: "apiKey", in: "header", name: header.toLowerCase(), value };
});

const TOKEN_URL_RIGHT = "an absolute URL such as https://login.example.com/oauth2/token";

const oauth2 = closedObject({
  tokenUrl: z
    .string({ error: TOKEN_URL_RIGHT })
    .transform((text, context) =>
      check(context, text, () => {
        const url = URL.parse(text);
        if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "") {
          throw new Fault(`is not allowed; ${TOKEN_URL_RIGHT}`);
        }
        url.hash = "";
        return url.href;
      }),
    )
    .meta({ description: "Where the token is fetched." }),
  clientId: plainText("the client's id").meta({ description: "May be plain, or hold references." }),
  clientSecret: secretText("a client's secret").meta({ description: "A reference." }),
  scope: plainText("scopes by space").optional().meta({ description: "Scopes, by space." }),
  params: z
    .record(z.string(), plainText("text"), { error: "an object of names and texts" })
    .optional()
    .meta({ description: "Sent beside it, such as audience; texts may hold references." }),
  credentials: z
    .enum(["header", "body"], { error: "header or body" })
    .default("header")
    .meta({ description: "Where id and secret go: as Basic in the header, or in the body." }),
}).transform((written): AuthPolicy => {
  const { scope, params, ...rest } = written;
  return {
    kind: "oauth2",
    ...rest,
    ...(scope === undefined ? {} : { scope }),
    ...(params === undefined ? {} : { params }),
  };
});

const SERVICE_RIGHT = "a service's name for signing, such as execute-api";
const REGION_RIGHT = "a region, such as ap-northeast-1";

const sigv4 = closedObject({
  service: z
    .string({ error: SERVICE_RIGHT })
    .regex(/^[a-z0-9-]{1,64}$/, { error: SERVICE_RIGHT })
    .meta({ description: "The service that is signed for, such as execute-api." }),
  region: z
    .string({ error: REGION_RIGHT })
    .regex(/^[a-z0-9-]{1,32}$/, { error: REGION_RIGHT })
    .meta({ description: "Its region." }),
}).meta({ description: "AWS's signature; credentials by the SDK's chain where the worker runs." });

const RIGHT = "one of bearer, basic, apiKey, oauth2 and sigv4, or none";

const NONE_RIGHT = `none, or an object with ${RIGHT}`;

/** Null: `none`. */
export const authSchema = z
  .union(
    [
      z.string().transform((text, context): null =>
        check(context, text, () => {
          if (text === "none") return null;
          throw new Fault(`is not allowed; ${NONE_RIGHT}`);
        }),
      ),
      closedObject({
        bearer: secretText("a token").optional().meta({ description: "A token, as a reference." }),
        basic: basic.optional().meta({ description: "User and password." }),
        apiKey: apiKey.optional().meta({ description: "A key in a header or the query." }),
        oauth2: oauth2.optional().meta({ description: "A token by client credentials." }),
        sigv4: sigv4.optional(),
      }).transform((written, context): AuthPolicy => {
        const { bearer, basic, apiKey, oauth2, sigv4 } = written;
        const all: (AuthPolicy | undefined)[] = [
          bearer === undefined ? undefined : { kind: "bearer", token: bearer },
          basic && { kind: "basic", ...basic },
          apiKey,
          oauth2,
          sigv4 && { kind: "sigv4", ...sigv4 },
        ];
        const [one, ...more] = all.filter((auth) => auth !== undefined);
        if (one !== undefined && more.length === 0) return one;
        addFault(context, "", [], `${one === undefined ? "is empty" : "has several"}; ${RIGHT}`);
        return z.NEVER;
      }),
    ],
    { error: NONE_RIGHT },
  )
  .meta({
    description: "How calls prove who makes them. A header that a call sets itself holds over it.",
    examples: [
      { bearer: "${secret:crm/token}" },
      { apiKey: { header: "x-api-key", value: "${env:KEY}" } },
    ],
  });
