import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import * as allowIp from "../../../infra/commands/allow-ip.ts";
import { bundleFunctions } from "../../../infra/bundle/bundle.ts";
import { FUNCTIONS } from "../../../infra/bundle/functions.ts";
import type { UrlAnswer, UrlEvent } from "../../../infra/edge/url-event.ts";
import { ExecutionEnvironment } from "../../../infra/lambda/execution-environment.ts";
import { runCommand } from "../../support/command-line.ts";
import type { TestedCommand } from "../../support/command-line.ts";
import { useEdgeStage } from "../../support/edge-stage.ts";
import type { EdgeParts } from "../../support/edge-stage.ts";
import { startFakeCloudFormation } from "../../support/fake-cloudformation.ts";
import type { FakeCloudFormation } from "../../support/fake-cloudformation.ts";
import { CALLER, hasIpv6, loopbackLookup, startFunctionUrl } from "../../support/function-url.ts";
import type { FunctionUrl } from "../../support/function-url.ts";

/**
 * The whole way: the command, a signed request by each family, the bundle in AWS's runtime client, DynamoDB, AWS WAF.
 */
const stage = useEdgeStage();
const folder = mkdtempSync(join(tmpdir(), "senpu-register-"));
const log: string[] = [];
let parts: EdgeParts;
let environment: ExecutionEnvironment;
let url: FunctionUrl;
let stack: FakeCloudFormation;

beforeAll(async () => {
  parts = await stage.makeParts();
  const spec = { name: "register", ...FUNCTIONS.register };
  const [bundle] = await bundleFunctions([spec], folder);
  environment = await ExecutionEnvironment.start({
    name: "register",
    folder: bundle!.folder,
    memoryMb: 256,
    timeoutMs: 20_000,
    variables: {
      ...stage.variables,
      SENPU_REGISTRATIONS: parts.table,
      SENPU_IPV4_SET: parts.ipv4Set,
      SENPU_IPV6_SET: parts.ipv6Set,
      SENPU_IPV6_PREFIX: "128",
      SENPU_EXPIRES_AFTER_DAYS: "14",
    },
    onLog: (line) => log.push(line),
  });
  // One environment takes one event at a time.
  let last: Promise<unknown> = Promise.resolve();
  url = await startFunctionUrl((event) => (last = last.then(() => invoke(event))) as never);
  stack = await startFakeCloudFormation("senpu-test-edge");
  stack.outputs.set("RegistrationUrl", url.url);
  vi.stubEnv("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.url);
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  signAs(CALLER);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await environment.stop();
  await url.close();
  await stack.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  signAs(CALLER);
  stack.refusal = undefined;
  stack.outputs.set("RegistrationUrl", url.url);
});

async function invoke(event: UrlEvent | object): Promise<UrlAnswer> {
  const { end } = await environment.invoke(event);
  if (end.kind !== "returned") throw new Error(JSON.stringify(end));
  return end.result as UrlAnswer;
}

function signAs(who: { readonly accessKeyId: string; readonly secretAccessKey: string }): void {
  vi.stubEnv("AWS_ACCESS_KEY_ID", who.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", who.secretAccessKey);
}

const byBoth = through([4, 6]);

function through(families: readonly (4 | 6)[]): TestedCommand {
  const lookup = loopbackLookup(families);
  return { ...allowIp, run: (context, output) => allowIp.run(context, output, lookup) };
}

test.skipIf(!hasIpv6())(
  "L4: senpu allow-ip registers by IPv4 and by IPv6, keeps who and until when, and takes back",
  async () => {
    const { exitCode, output } = await runCommand(byBoth, ["--env", "test", "--json", "--quiet"]);
    expect(exitCode).toBe(0);
    const { addresses, ...rest } = JSON.parse(output.text) as {
      addresses: { family: string; network: string; until: string }[];
    };
    expect(rest).toEqual({ env: "test", failed: [] });
    expect(addresses.map(({ family, network }) => [family, network])).toEqual([
      ["ipv4", "127.0.0.1/32"],
      ["ipv6", "::1/128"],
    ]);
    expect(parts.addresses()).toEqual({
      ipv4: ["127.0.0.1/32"],
      ipv6: ["0000:0000:0000:0000:0000:0000:0000:0001/128"],
    });
    const days = (Date.parse(addresses[0]!.until) - Date.now()) / 86_400_000;
    expect(days).toBeCloseTo(14, 2);
    // The log comes through a pipe, the answer over HTTP: neither waits for the other.
    await vi.waitFor(() =>
      expect(log.join("\n")).toMatch(
        /arn:aws:iam::000000000000:user\/dev registers ::1\/128 until /,
      ),
    );
    const removed = await runCommand(byBoth, ["--env", "test", "--remove", "--quiet"]);
    expect(removed.output.text).toBe("IPv4  127.0.0.1/32 taken back\nIPv6  ::1/128 taken back\n");
    expect(parts.addresses()).toEqual({ ipv4: [], ipv6: [] });
  },
);

test("a machine without a way out by one family is told so, and has the other", async () => {
  const { exitCode, output } = await runCommand(through([4]), ["--env", "test", "--quiet"]);
  expect(exitCode).toBe(0);
  expect(output.text).toMatch(
    /^IPv4 {2}127\.0\.0\.1\/32 allowed until \d{4}-\d\d-\d\d \d\d:\d\d UTC\nIPv6 {2}not registered: no way out \(ENOTFOUND\)\n$/,
  );
});

test("credentials that may not register are told which actions they need", async () => {
  signAs({ accessKeyId: "other", secretAccessKey: "others-secret" });
  await expect(runCommand(byBoth, ["--env", "test"])).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringMatching(
      /lambda:InvokeFunctionUrl and lambda:InvokeFunction: attach the policy senpu-test-allow-ip$/,
    ) as string,
  });
});

test("credentials that may not look for the URL are told which action they need", async () => {
  stack.refusal = [
    "AccessDenied",
    "User: arn:aws:iam::000000000000:user/dev is not authorized to perform: cloudformation:DescribeStacks on resource: arn:s because no identity-based policy allows it",
  ];
  await expect(runCommand(allowIp, ["--env", "test"])).rejects.toThrow(
    "reading stack senpu-test-edge: not allowed; these credentials need the IAM action cloudformation:DescribeStacks on arn:s",
  );
});

test("without credentials, and where nothing is deployed, it says so", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", undefined);
  vi.stubEnv("HOME", folder);
  await expect(runCommand(allowIp, ["--env", "test"])).rejects.toThrow(/no AWS credentials/);
  signAs(CALLER);
  await expect(runCommand(allowIp, ["--env", "production"])).rejects.toThrow(
    "there is no stack senpu-production-edge: deploy it first",
  );
  await expect(runCommand(allowIp, [])).rejects.toThrow(
    "which environment? infra/environments has test, production",
  );
});

test("the function refuses who did not sign, and what is no address", async () => {
  const http = { method: "POST", sourceIp: "203.0.113.7" };
  expect(await invoke({ requestContext: { http } })).toMatchObject({ statusCode: 403 });
  const authorizer = { iam: { userArn: CALLER.arn } };
  const odd = { requestContext: { http: { ...http, sourceIp: "nowhere" }, authorizer } };
  expect(await invoke(odd)).toMatchObject({ statusCode: 400 });
});

test("the function's hourly run looks after both sets", async () => {
  const before = stage.waf.log.length;
  expect((await invoke({ task: "expire" })).body).toBe('{"expired":true}');
  expect(stage.waf.log.slice(before)).toEqual(["GetIPSet", "GetIPSet"]);
});
