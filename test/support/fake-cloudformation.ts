import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** One deployed stack, as CloudFormation tells of it over its Query protocol. */
export interface FakeCloudFormation {
  readonly url: string;
  /** Further stacks that are only described: their outputs, by the stack's name. */
  readonly others: Map<string, ReadonlyMap<string, string>>;
  status: string;
  readonly parameters: Map<string, string>;
  readonly outputs: Map<string, string>;
  /** Answers every request with it: `[code, message]`. */
  refusal: readonly [code: string, message: string] | undefined;
  close(): Promise<void>;
}

/** Whose stacks they are. */
export const FAKE_ACCOUNT = "000000000000";

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
    const other = fake.others.get(words.get("StackName") ?? "");
    if (other !== undefined) {
      return [200, describe(words.get("StackName")!, "CREATE_COMPLETE", new Map(), other)];
    }
    if (words.get("StackName") !== stackName) {
      return fault("ValidationError", `Stack with id ${words.get("StackName")} does not exist`);
    }
    if (words.get("Action") === "DescribeStacks") {
      return [200, describe(stackName, fake.status, fake.parameters, fake.outputs)];
    }
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

  function describe(
    name: string,
    status: string,
    parameters: ReadonlyMap<string, string>,
    outputs: ReadonlyMap<string, string>,
  ): string {
    const members = (kind: string, entries: ReadonlyMap<string, string>): string =>
      [...entries]
        .map(
          ([key, value]) =>
            `<member><${kind}Key>${key}</${kind}Key><${kind}Value>${escapeXml(value)}</${kind}Value></member>`,
        )
        .join("");
    return (
      `<DescribeStacksResponse ${NAMESPACE}><DescribeStacksResult><Stacks><member>` +
      `<StackId>arn:aws:cloudformation:us-east-1:${FAKE_ACCOUNT}:stack/${name}/1</StackId>` +
      `<StackName>${name}</StackName><StackStatus>${status}</StackStatus>` +
      `<Parameters>${members("Parameter", parameters)}</Parameters>` +
      `<Outputs>${members("Output", outputs)}</Outputs>` +
      `</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`
    );
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const fake: FakeCloudFormation = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    status: "UPDATE_COMPLETE",
    others: new Map(),
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

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function fault(code: string, message: string): [number, string] {
  return [
    code === "AccessDenied" ? 403 : 400,
    `<ErrorResponse ${NAMESPACE}><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  ];
}
