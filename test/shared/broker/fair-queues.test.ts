import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import type { BrokerOptions } from "../../../shared/broker/aws-broker.ts";
import { laneQueue } from "../../../shared/broker/broker.ts";
import { connect, startEmbedded } from "./embedded.ts";

/** Stands before an endpoint, and keeps what is published through it. */
async function overhear(endpointUrl: string): Promise<{ url: string; published: string[] }> {
  const published: string[] = [];
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    if (body.includes("PublishBatch")) published.push(decodeURIComponent(body));
    const { host: _host, connection: _connection, ...headers } = request.headers;
    const answer = await fetch(`${endpointUrl}${request.url ?? "/"}`, {
      method: request.method ?? "POST",
      headers: headers as Record<string, string>,
      body,
    });
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
    response.end(await answer.text());
  };
  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, published };
}

/** What leaves for SNS when a run's calls and an outcome are published; the calls arrive, groups or not. */
async function publish(options: BrokerOptions): Promise<readonly string[]> {
  const { endpointUrl } = await startEmbedded();
  const { url, published } = await overhear(endpointUrl);
  const broker = connect(url, options);
  await broker.ensure(["crm"]);
  const attributes = { lane: "crm", run: "nightly-7" };
  await broker.publish("calls", [{ body: "{}", attributes: { kind: "calls", ...attributes } }]);
  await broker.publish("outcomes", [
    { body: "{}", attributes: { kind: "outcomes", ...attributes } },
  ]);
  const received = await broker.receive(laneQueue("crm"), { maxMessages: 1, waitSeconds: 5 });
  expect(received).toMatchObject([{ body: "{}" }]);
  return published;
}

test("a run's calls are a message group of their own, so that its queues are fair", async () => {
  const [calls, outcomes] = await publish({ groupsByRun: true });
  expect(calls).toContain("MessageGroupId=nightly-7");
  expect(outcomes).not.toContain("MessageGroupId");
});

test("an endpoint that only resembles AWS is not sent any", async () => {
  const published = await publish({});
  expect(published).toHaveLength(2);
  expect(published.join()).not.toContain("MessageGroupId");
});
