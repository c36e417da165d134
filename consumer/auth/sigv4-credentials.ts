import type { SignatureV4 as Signer } from "@smithy/signature-v4";
import { Sha256 } from "../../shared/aws/sha256.ts";
import type { SigV4Policy } from "../../shared/model/auth.ts";
import { messageOf } from "../../shared/errors.ts";
import type { HttpRequest } from "../execute/request.ts";
import type { CredentialMaker } from "./credential-source.ts";
import { CredentialError } from "./credentials.ts";

/** Credentials that say no end are asked for again after this, as the chain may have others by then. */
const USUAL_LIFETIME_MS = 900_000;
/** Source: AWS SDKs and tools reference: credentials are renewed five minutes before they expire. */
const MARGIN_MS = 300_000;

/**
 * AWS's signature, per call; the credentials behind it by the SDK's default chain (variables, profiles, single sign-on, a
 * container's or an instance's role), asked for once for all calls. Both are loaded when the first call needs them.
 */
export function makeSigV4({ service, region }: SigV4Policy): CredentialMaker {
  let version = 0;
  let provide: (() => Promise<AwsCredentials>) | undefined;
  return {
    canChange: true,
    fetch: async () => {
      const [{ SignatureV4 }, { defaultProvider }] = await Promise.all([
        import("@smithy/signature-v4"),
        import("@aws-sdk/credential-provider-node"),
      ]);
      provide ??= defaultProvider();
      let credentials: AwsCredentials;
      try {
        credentials = await provide();
      } catch (cause) {
        const text = `no AWS credentials to sign with: ${messageOf(cause).replaceAll(/\s+/g, " ")}`;
        throw new CredentialError(text, { kind: "network", sent: false });
      }
      const signer = new SignatureV4({
        credentials,
        region,
        service,
        sha256: Sha256,
        // S3 signs the path as it is, all others encode it once more (SigV4 reference, "Canonical URI").
        uriEscapePath: service !== "s3",
      });
      const expiresAt = credentials.expiration?.getTime() ?? Date.now() + USUAL_LIFETIME_MS;
      return {
        value: { version: ++version, sign: (request) => sign(signer, request) },
        freshUntil: Math.max(Date.now() + 1_000, expiresAt - MARGIN_MS),
        validUntil: credentials.expiration === undefined ? Infinity : expiresAt,
      };
    },
  };
}

interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** The request with its signature. Its query is sent in the one way that a signature knows. */
async function sign(signer: Signer, request: HttpRequest): Promise<HttpRequest> {
  const url = new URL(request.origin + request.path);
  const query: Record<string, string[]> = {};
  for (const [name, value] of url.searchParams) (query[name] ??= []).push(value);
  const headers: Record<string, string> = { host: url.host };
  for (let i = 0; i < request.headers.length; i += 2) {
    headers[request.headers[i] as string] = request.headers[i + 1] as string;
  }
  const signed = await signer.sign({
    method: request.method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query,
    headers,
    body: request.body ?? undefined,
  });
  const { host: _, ...sent } = signed.headers;
  const pairs = Object.entries(query).flatMap(([name, values]) =>
    values.map((value) => `${escape(name)}=${escape(value)}`),
  );
  return {
    ...request,
    path: pairs.length === 0 ? url.pathname : `${url.pathname}?${pairs.join("&")}`,
    headers: Object.entries(sent).flat(),
  };
}

/** RFC 3986, 2.3: all but unreserved characters. */
function escape(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
