import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Attempt } from "../../../consumer/execute/attempt.ts";
import { HttpClient } from "../../../consumer/execute/http-client.ts";
import { splitUrl } from "../../../consumer/execute/request.ts";
import { normaliseUrl } from "../../../producer/plan/url.ts";
import { startDnsServer } from "../../support/dns-server.ts";
import type { DnsServer } from "../../support/dns-server.ts";

let client: HttpClient;
let dns: DnsServer;
let server: Server;
let port: number;
/** At which addresses connections have reached the server of this machine. */
let reached: Set<string>;
let requests: number;
let respond: RequestListener;

beforeEach(async () => {
  reached = new Set();
  requests = 0;
  respond = (_request, response) => response.end("here");
  server = createServer((request, response) => {
    requests++;
    respond(request, response);
  });
  server.on("connection", ({ localAddress = "" }) => reached.add(localAddress));
  // On every address of this machine: what reaches it by whatever way of writing one is counted.
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
  dns = await startDnsServer();
  client = new HttpClient({ resolve: dns.resolve });
});
afterEach(async () => {
  await client.close();
  dns.close();
  server.closeAllConnections();
  server.close();
});

function get(url: string, allow: readonly string[] = [], redirects = 5): Promise<Attempt> {
  const { origin, path } = splitUrl(normaliseUrl(url));
  const request = { origin, path, method: "GET" as const, headers: [], body: null };
  return new Promise((resolve) =>
    client.start(request, client.pools(allow), 2_000, redirects, resolve),
  );
}

describe("an internal address is not connected to, however it is written", () => {
  test.each([
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0X7F.0x0.0.1",
    "0177.0.0.1",
    "017700000001",
    "00000000177.0.0.01",
    "127.255.255.254",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "１２７.0.0.1",
    "%31%32%37.0.0.1",
    "0",
    "0.0.0.0",
    "0x0",
    "10.0.0.1",
    "167772161",
    "012.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "0xc0a80001",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "2852039166",
    "0xA9FEA9FE",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.254.170.2",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "4294967295",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:FFFF:A9FE:A9FE]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a00:1]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    "[2001:db8::1]",
    "[2002:7f00:1::]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
  ])("%s", async (host) => {
    const { end, error } = await get(`http://${host}:${port}/`);
    expect(end).toEqual({ kind: "blocked", sent: false });
    expect(error).toMatch(/ \([\da-f.:]+\/\d+\); if it is meant, write .* or --allow \S+$/);
    expect(reached).toEqual(new Set());
  });

  test("by TLS neither", async () => {
    expect((await get(`https://127.0.0.1:${port}/`)).end).toEqual({ kind: "blocked", sent: false });
    expect((await get(`https://[::1]:${port}/`)).end).toEqual({ kind: "blocked", sent: false });
    expect(reached).toEqual(new Set());
  });

  test.each(["http://[fe80::1%25eth0]/", "http://127.0.0.1%00/", "http://127.0.0.1%2f@a.example/"])(
    "%s is no URL of a plan",
    (url) => {
      expect(() => normaliseUrl(url)).toThrow(/no valid URL|password/);
    },
  );

  test.each([
    "http://a.example@127.0.0.1/",
    "http://127.0.0.1:80@a.example/",
    "http://a.example:b@[::1]/",
    "http://a.example\\@127.0.0.1@b/",
  ])(
    "%s, which looks like another host, carries a user, and is refused or means the first",
    (url) => {
      let called: string;
      try {
        called = normaliseUrl(url);
      } catch (error) {
        expect(String(error)).toMatch(/password/);
        return;
      }
      expect(new URL(called).hostname).toBe("a.example");
    },
  );
});

describe("a name is judged by what it leads to", () => {
  test.each([
    "127.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "255.255.255.255",
  ])("one that leads to %s is blocked", async (address) => {
    dns.names.set("inside.example", [[address]]);
    const { end, error } = await get(`http://inside.example:${port}/`);
    expect(end).toEqual({ kind: "blocked", sent: false });
    expect(error).toContain(`inside.example leads to ${address}, `);
    expect(reached).toEqual(new Set());
  });

  test("so is one that leads there by way of other names", async () => {
    dns.names.set("www.example", ["cdn.example"]);
    dns.names.set("cdn.example", ["edge.example"]);
    dns.names.set("edge.example", [["127.0.0.1"]]);
    expect((await get(`http://www.example:${port}/`)).end).toEqual({
      kind: "blocked",
      sent: false,
    });
    expect(reached).toEqual(new Set());
  });

  test("so is localhost, with whatever dots and capitals", async () => {
    client = new HttpClient();
    for (const host of ["localhost", "LocalHost"]) {
      expect((await get(`http://${host}:${port}/`)).end).toEqual({ kind: "blocked", sent: false });
    }
    const dotted = (await get(`http://localhost.:${port}/`)).end?.kind;
    expect(["blocked", "dns"]).toContain(dotted);
    expect(reached).toEqual(new Set());
  });

  test("a second answer of the DNS does not count: what was judged is what is connected to", async () => {
    // The first may be called, the second, which is this server too, may not.
    dns.names.set("rebinds.example", [["127.0.0.1"], ["127.0.0.2"]]);
    respond = (_request, response) => response.setHeader("connection", "close").end();
    const allow = ["127.0.0.1"];
    const url = `http://rebinds.example:${port}/`;
    expect((await get(url, allow)).end).toEqual({ kind: "answer", status: 200 });
    expect(dns.asked).toEqual(["rebinds.example"]);
    expect((await get(url, allow)).end).toEqual({ kind: "blocked", sent: false });
    expect(reached).toEqual(new Set(["127.0.0.1"]));
  });

  test("of several addresses only those are connected to that may be called", async () => {
    dns.names.set("mixed.example", [["127.0.0.3", "127.0.0.1", "10.0.0.1"]]);
    const { end } = await get(`http://mixed.example:${port}/`, ["127.0.0.1"]);
    expect(end).toEqual({ kind: "answer", status: 200 });
    expect(reached).toEqual(new Set(["127.0.0.1"]));
  });
});

describe("redirects stay within the guard", () => {
  test.each([301, 302, 303, 307, 308])("a %i to an internal address is blocked", async (status) => {
    for (const target of [
      `http://127.0.0.2:${port}/`,
      `//127.0.0.2:${port}/`,
      `http://0x7f000002:${port}/`,
      `http://[::ffff:7f00:2]:${port}/`,
      `http://a.example@127.0.0.2:${port}/`,
    ]) {
      respond = (_request, response) => response.writeHead(status, { location: target }).end();
      const { end, error } = await get(`http://127.0.0.1:${port}/`, ["127.0.0.1"]);
      expect(end).toEqual({ kind: "blocked", sent: true });
      expect(error).toMatch(/^redirected to http:\/\/\S+: \S+ is a loopback address/);
    }
    expect(requests).toBe(5);
    expect(reached).toEqual(new Set(["127.0.0.1"]));
  });

  test("one to a name that leads inside is blocked too, and one to what is allowed is followed", async () => {
    dns.names.set("inside.example", [["127.0.0.2"]]);
    dns.names.set("meant.example", [["127.0.0.2"]]);
    const start = `http://127.0.0.1:${port}/start`;
    const allow = ["127.0.0.1", "meant.example"];
    let target = "inside.example";
    respond = ({ url }, response) => {
      const location = `http://${target}:${port}/end`;
      if (url === "/start") response.writeHead(302, { location });
      response.end();
    };
    expect((await get(start, allow)).end).toEqual({ kind: "blocked", sent: true });
    target = "meant.example";
    expect((await get(start, allow)).end).toEqual({ kind: "answer", status: 200 });
  });

  test.each(["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "data:,x"])(
    "%s is no redirect that is followed: the answer counts as it is",
    async (location) => {
      respond = (_request, response) => response.writeHead(302, { location }).end();
      const { end } = await get(`http://127.0.0.1:${port}/`, ["127.0.0.1"]);
      expect(end).toEqual({ kind: "answer", status: 302 });
    },
  );
});

describe("what is allowed is called", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["2130706433", "127.0.0.1"],
    ["127.0.0.1", "127.0.0.0/8"],
    ["127.9.8.7", "127.0.0.0/8"],
    ["[::ffff:127.0.0.1]", "127.0.0.1"],
    ["inside.example", "inside.example"],
    ["INSIDE.example", "inside.EXAMPLE"],
    ["inside.example", "127.0.0.1"],
  ])("%s by %s", async (host, entry) => {
    dns.names.set("inside.example", [["127.0.0.1"]]);
    const { end } = await get(`http://${host}:${port}/`, [entry]);
    expect(end).toEqual({ kind: "answer", status: 200 });
  });

  test("for its own run only: a connection serves no call of a run that may not open it", async () => {
    const url = `http://127.0.0.1:${port}/`;
    const allowed = ["127.0.0.1", "10.0.0.0/8"];
    expect((await get(url, allowed)).end).toEqual({ kind: "answer", status: 200 });
    expect((await get(url, ["10.0.0.0/8"])).end).toEqual({ kind: "blocked", sent: false });
    expect((await get(url)).end).toEqual({ kind: "blocked", sent: false });
    expect(requests).toBe(1);
    // Where the lists are alike, it may.
    expect(client.pools([...allowed])).toBe(client.pools(allowed));
  });
});
