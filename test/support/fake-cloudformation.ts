import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** One deployed stack, as CloudFormation tells of it over its Query protocol. */
export interface FakeCloudFormation {
  readonly url: string;
  status: string;
  readonly parameters: Map<string, string>;
  readonly outputs: Map<string, string>;
  /** Answers every request with it: `[code, message]`. */
  refusal: readonly [code: string, message: string] | undefined;
  close(): Promise<void>;
}

const NAMESPACE = 'xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"';

export async function startFakeCloudFormation(stackName: string): Promise<FakeCloudFormation> {
  const server = createServer((request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const words = new URLSearchParams(await text(request));
    const [status, body] = fake.refusal === undefined ? act(words) : fault(...fake.refusal);
    response.writeHead(status, { "content-type": "text/xml" }).end(body);
  }

  function act(words: URLSearchParams): [number, string] {
    if (words.get("StackName") !== stackName) {
      return fault("ValidationError", `Stack with id ${words.get("StackName")} does not exist`);
    }
    if (words.get("Action") === "DescribeStacks") return [200, describe()];
    if (fake.status.endsWith("_IN_PROGRESS")) {
      const state = `is in ${fake.status} state and can not be updated.`;
      return fault("ValidationError", `Stack:arn ${state}`);
    }
    if (words.get("UsePreviousTemplate") !== "true") return fault("ValidationError", "no template");
    for (let index = 1; words.has(`Parameters.member.${index}.ParameterKey`); index++) {
      const key = words.get(`Parameters.member.${index}.ParameterKey`) ?? "";
      const value = words.get(`Parameters.member.${index}.ParameterValue`);
      if (value !== null) fake.parameters.set(key, value);
    }
    fake.status = "UPDATE_COMPLETE";
    return [
      200,
      `<UpdateStackResponse ${NAMESPACE}><UpdateStackResult><StackId>arn</StackId></UpdateStackResult></UpdateStackResponse>`,
    ];
  }

  function describe(): string {
    const members = (kind: string, entries: Map<string, string>): string =>
      [...entries]
        .map(
          ([key, value]) =>
            `<member><${kind}Key>${key}</${kind}Key><${kind}Value>${value}</${kind}Value></member>`,
        )
        .join("");
    return (
      `<DescribeStacksResponse ${NAMESPACE}><DescribeStacksResult><Stacks><member>` +
      `<StackName>${stackName}</StackName><StackStatus>${fake.status}</StackStatus>` +
      `<Parameters>${members("Parameter", fake.parameters)}</Parameters>` +
      `<Outputs>${members("Output", fake.outputs)}</Outputs>` +
      `</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`
    );
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const fake: FakeCloudFormation = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    status: "UPDATE_COMPLETE",
    parameters: new Map(),
    outputs: new Map(),
    refusal: undefined,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return fake;
}

function fault(code: string, message: string): [number, string] {
  return [
    code === "AccessDenied" ? 403 : 400,
    `<ErrorResponse ${NAMESPACE}><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  ];
}
