import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { openSecrets } from "../../../shared/secrets/open.ts";

/** SSM and Secrets Manager, as far as their JSON protocol goes; the SDK is the real one. */
const asked: { readonly target: string; readonly body: Record<string, unknown> }[] = [];
let refuses = false;
const VALUES: Readonly<Record<string, string>> = {
  "/senpu/crm/token": "of the parameter store",
  "senpu/crm/oauth": JSON.stringify({ secret: "of the secrets manager" }),
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = String(request.headers["x-amz-target"]);
  const body = JSON.parse(await text(request)) as Record<string, unknown>;
  asked.push({ target, body });
  const isSsm = target === "AmazonSSM.GetParameter";
  const value = VALUES[String(isSsm ? body["Name"] : body["SecretId"])];
  response.setHeader("content-type", "application/x-amz-json-1.1");
  if (refuses) {
    response.writeHead(400).end(JSON.stringify({ __type: "AccessDeniedException", message: "no" }));
  } else if (value === undefined) {
    const type = isSsm ? "ParameterNotFound" : "ResourceNotFoundException";
    response.writeHead(400).end(JSON.stringify({ __type: type, message: "none" }));
  } else {
    response.end(JSON.stringify(isSsm ? { Parameter: { Value: value } } : { SecretString: value }));
  }
}

const server = createServer((request, response) => void answer(request, response));

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv("SENPU_SECRETS", "ssm:/senpu/,secretsmanager:senpu/");
});

afterEach(() => {
  refuses = false;
  asked.length = 0;
});

afterAll(() => {
  vi.unstubAllEnvs();
  server.close();
  server.closeAllConnections();
});

test("a secret is read of Parameter Store, decrypted, and else of Secrets Manager, by its field", async () => {
  const secrets = openSecrets();
  await secrets.load(["secret:crm/token", "secret:crm/oauth#secret"]);
  expect(secrets.resolve("${secret:crm/token}; ${secret:crm/oauth#secret}")).toBe(
    "of the parameter store; of the secrets manager",
  );
  expect(asked).toContainEqual({
    target: "AmazonSSM.GetParameter",
    body: { Name: "/senpu/crm/token", WithDecryption: true },
  });
  expect(asked).toContainEqual({
    target: "secretsmanager.GetSecretValue",
    body: { SecretId: "senpu/crm/oauth" },
  });
});

test("one that neither has is named with both", async () => {
  await expect(openSecrets().load(["secret:crm/no"])).rejects.toThrow(
    "there is no SSM parameter /senpu/crm/no, nor Secrets Manager's secret senpu/crm/no",
  );
});

test("a store that refuses is an error of the store, and not a secret that is missing", async () => {
  refuses = true;
  await expect(openSecrets().load(["secret:crm/token"])).rejects.toMatchObject({
    code: "secrets",
    message: expect.stringContaining("SSM parameter /senpu/crm/token: AccessDeniedException"),
  });
});
