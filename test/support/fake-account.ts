import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { answerQuery } from "./fake-account-query.ts";
import type { Answer } from "./fake-account-query.ts";
import { FAKE_ACCOUNT_ID } from "./fake-stacks.ts";
import type { FakeStack, FakeStacks } from "./fake-stacks.ts";

/**
 * One AWS account as the SDK and the real CDK command line meet it, on one port in all regions: STS, CloudFormation with
 * change sets, events and drift, SSM's parameters, S3 for assets, and whatever a test adds.
 */
export interface FakeAccount extends FakeStacks {
  readonly url: string;
  /** Services that speak JSON: by the target header's action, such as `GetServiceQuota`. What one throws is its refusal. */
  readonly json: Map<string, (input: Record<string, unknown>, region: string) => object>;
  /** Services that speak REST, by method and the beginning of the path: `GET /2015-03-31/`. */
  readonly rest: Map<string, (url: URL, region: string) => object>;
  close(): Promise<void>;
}

/** By which IAM knows actions that tests refuse. */
const SERVICES: Readonly<Record<string, string>> = {
  DescribeAlarms: "cloudwatch",
  DescribeServices: "ecs",
  ListTasks: "ecs",
};

export async function startFakeAccount(): Promise<FakeAccount> {
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const scope = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? "");
    const [status, type, said] = act(request, body, scope?.[1] ?? "nowhere");
    response.writeHead(status, { "content-type": type }).end(said);
  }

  function act(request: IncomingMessage, body: string, region: string): Answer {
    const target = request.headers["x-amz-target"];
    if (typeof target === "string") return actJson(target.split(".").at(-1) ?? "", body, region);
    const type = request.headers["content-type"] ?? "";
    if (type.startsWith("application/x-www-form-urlencoded")) {
      return answerQuery(account, new URLSearchParams(body), region);
    }
    const url = new URL(request.url ?? "/", "http://fake");
    for (const [key, handle] of account.rest) {
      const [method, path = ""] = key.split(" ");
      if (request.method !== method || !url.pathname.startsWith(path)) continue;
      account.log.push(`${region} ${key}`);
      return [200, "application/json", JSON.stringify(handle(url, region))];
    }
    return actS3(request.method ?? "", url, body, region);
  }

  function actJson(action: string, body: string, region: string): Answer {
    account.log.push(`${region} ${action}`);
    const refuse = (name: string, message: string): Answer => [
      400,
      "application/x-amz-json-1.1",
      JSON.stringify({ __type: name, message }),
    ];
    if (account.refused.has(action)) {
      const who = `arn:aws:iam::${FAKE_ACCOUNT_ID}:user/dev`;
      return refuse(
        "AccessDeniedException",
        `User: ${who} is not authorized to perform: ${SERVICES[action] ?? "some"}:${action}`,
      );
    }
    const handle = account.json.get(action);
    if (handle === undefined) return refuse("UnknownOperationException", `no ${action} here`);
    const input = JSON.parse(body) as Record<string, unknown>;
    try {
      return [200, "application/x-amz-json-1.1", JSON.stringify(handle(input, region))];
    } catch (error) {
      const { name, message } = error as Error;
      return refuse(name, message);
    }
  }

  function actS3(method: string, url: URL, body: string, region: string): Answer {
    const key = url.pathname.split("/").slice(2).join("/");
    account.log.push(`${region} S3 ${method} ${url.search.split("=")[0] ?? ""}`.trim());
    const xml = (said: string): Answer => [200, "application/xml", `<?xml version="1.0"?>${said}`];
    if (url.searchParams.has("location")) {
      return xml(`<LocationConstraint>${region}</LocationConstraint>`);
    }
    if (url.searchParams.has("encryption")) {
      return xml(
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
      );
    }
    if (method === "PUT") {
      account.objects.set(key, fromChunks(body));
      return xml("");
    }
    if (url.searchParams.has("list-type")) {
      const prefix = url.searchParams.get("prefix") ?? "";
      const found = [...account.objects.keys()].filter((one) => one.startsWith(prefix));
      const contents = found.map((one) => `<Contents><Key>${one}</Key></Contents>`).join("");
      return xml(
        `<ListBucketResult><KeyCount>${found.length}</KeyCount>${contents}</ListBucketResult>`,
      );
    }
    return [404, "application/xml", "<Error><Code>NoSuchKey</Code></Error>"];
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const account: FakeAccount = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stacks: new Map(),
    failures: new Map(),
    objects: new Map(),
    json: new Map([
      ["GetParameter", ({ Name }) => ({ Parameter: { Name, Value: "30", Type: "String" } })],
    ]),
    rest: new Map(),
    onExecute: () => {},
    refused: new Set(),
    log: [],
    addStack(place, status, template = {}, outputs = {}) {
      const stack: FakeStack = {
        status,
        template: JSON.stringify(template),
        outputs: new Map(Object.entries(outputs)),
        events: [],
        drifted: new Map(),
      };
      account.stacks.set(place, stack);
      return stack;
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return account;
}

/** The SDK sends a stream in pieces, each after its length: `aws-chunked`. */
function fromChunks(body: string): string {
  if (!/^[0-9a-f]+(;chunk-signature=\w+)?\r\n/.test(body)) return body;
  let rest = Buffer.from(body);
  const parts: Buffer[] = [];
  for (;;) {
    const end = rest.indexOf("\r\n");
    const length = Number.parseInt(rest.subarray(0, end).toString(), 16);
    if (!(length > 0)) return Buffer.concat(parts).toString();
    parts.push(rest.subarray(end + 2, end + 2 + length));
    rest = rest.subarray(end + 4 + length);
  }
}
