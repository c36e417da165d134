import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo, LookupFunction } from "node:net";
import { networkInterfaces } from "node:os";
import type { UrlAnswer, UrlEvent } from "../../infra/edge/url-event.ts";

export interface FunctionUrl {
  readonly url: string;
  close(): Promise<void>;
}

/** Whose signature counts. */
export const CALLER = {
  accessKeyId: "caller",
  secretAccessKey: "callers-secret",
  arn: "arn:aws:iam::000000000000:user/dev",
};

/**
 * A Lambda function URL with `AWS_IAM` on loopback, by both families: checks the signature by making it anew, and hands
 * the request to `invoke` as Lambda does.
 */
export async function startFunctionUrl(
  invoke: (event: UrlEvent) => Promise<UrlAnswer>,
): Promise<FunctionUrl> {
  const server = createServer((request, response) => {
    const answered = isSigned(request).then((isSigned): UrlAnswer | Promise<UrlAnswer> => {
      if (!isSigned) return { statusCode: 403, headers: {}, body: '{"Message":"Forbidden"}' };
      const http = {
        method: request.method ?? "",
        sourceIp: request.socket.remoteAddress ?? "",
      };
      return invoke({ requestContext: { http, authorizer: { iam: { userArn: CALLER.arn } } } });
    });
    void answered.then(({ statusCode, headers, body }) =>
      response.writeHead(statusCode, headers).end(body),
    );
  });
  server.listen(0, hasIpv6() ? "::" : "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** Has this machine both? Containers may have IPv4 alone. */
export function hasIpv6(): boolean {
  const all = Object.values(networkInterfaces()).flat();
  return all.some((address) => address?.address === "::1");
}

/** Names of loopback, by each family, whatever this machine's list of hosts says. Not found by those that are left out. */
export function loopbackLookup(families: readonly (4 | 6)[]): LookupFunction {
  return (_host, { family, all }, callback) => {
    const found = families.find((one) => one === family);
    if (found === undefined) {
      callback(Object.assign(new Error("not found"), { code: "ENOTFOUND" }), "");
      return;
    }
    const address = found === 4 ? "127.0.0.1" : "::1";
    if (all === true) callback(null, [{ address, family: found }]);
    else callback(null, address, found);
  };
}

async function isSigned({ method = "", url = "", headers }: IncomingMessage): Promise<boolean> {
  const date = String(headers["x-amz-date"]);
  const signingDate = new Date(
    date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"),
  );
  const client = new CloudFormationClient({ region: "us-east-1", credentials: CALLER });
  const signer = await client.config.signer({
    name: "sigv4",
    signingName: "lambda",
    signingRegion: "us-east-1",
    properties: {},
  });
  const host = headers.host ?? "";
  const signed = await signer.sign(
    {
      method,
      protocol: "http:",
      hostname: host,
      path: url,
      query: {},
      headers: { host },
      body: "",
    },
    { signingDate },
  );
  return signed.headers["authorization"] === headers.authorization;
}
