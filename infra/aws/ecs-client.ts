import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { SignatureV4 } from "@smithy/signature-v4";
import { Sha256 } from "../../shared/aws/sha256.ts";
import { environmentVariable } from "../../shared/environment.ts";

/** Before each action. Source: ECS API reference, "Making API requests". */
const TARGET = "AmazonEC2ContainerServiceV20141113";
const TIMEOUT_MS = 15_000;

/**
 * ECS by its JSON protocol, for the three questions that a doctor asks: the SDK's client takes more of the disk than an
 * installation has to spare. Signs as every client does, with the SDK's credentials; speaks to AWS's endpoint, or to that
 * which `AWS_ENDPOINT_URL_ECS` or `AWS_ENDPOINT_URL` names. It tries once.
 */
export class EcsClient {
  readonly #endpoint: URL;
  readonly #signer: SignatureV4;
  readonly #stop = new AbortController();

  constructor({ region }: { readonly region: string }) {
    const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    this.#endpoint = new URL(
      environmentVariable("AWS_ENDPOINT_URL_ECS") ??
        environmentVariable("AWS_ENDPOINT_URL") ??
        `https://ecs.${region}.${suffix}`,
    );
    this.#signer = new SignatureV4({
      credentials: defaultProvider(),
      region,
      service: "ecs",
      sha256: Sha256,
    });
  }

  /** What ECS answers. Throws what it refuses, under the name and with the message that it gives. */
  async send(action: string, input: object): Promise<unknown> {
    const { protocol, hostname, host, pathname } = this.#endpoint;
    const body = JSON.stringify(input);
    const { headers } = await this.#signer.sign({
      method: "POST",
      protocol,
      hostname,
      path: pathname,
      query: {},
      headers: {
        host,
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": `${TARGET}.${action}`,
      },
      body,
    });
    const { host: _, ...sent } = headers;
    const response = await fetch(this.#endpoint, {
      method: "POST",
      headers: sent,
      body,
      signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as unknown;
    throw refusalIn(response.status, text);
  }

  destroy(): void {
    this.#stop.abort();
  }
}

/** `{"__type":"…#AccessDeniedException","message":"…"}`; a proxy between may say something else. */
function refusalIn(status: number, text: string): Error {
  let told: Readonly<Record<string, string | undefined>> = {};
  try {
    told = Object(JSON.parse(text)) as typeof told;
  } catch {
    // Then the status is all there is to tell.
  }
  const error = new Error(told["message"] ?? told["Message"] ?? `ECS answered ${status}`);
  error.name = told["__type"]?.split("#").at(-1) ?? "EcsError";
  return error;
}
