import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

type Members = Record<string, unknown>;

/** What AWS WAF keeps under an id, with the token that its next update must bring. */
interface Kept {
  readonly kind: "IPSet" | "WebACL";
  readonly id: string;
  value: Members;
  lockToken: string;
}

/**
 * AWS WAF as the SDK sees it, for sets of addresses and web ACLs: optimistic locking by tokens, each good for one update.
 * Like AWS's it hands IPv6 addresses back at full length, and wants whole names, ids and scopes.
 */
export interface FakeWaf {
  readonly url: string;
  /** What `Ref` gives for the set. */
  addIpSet(name: string, family: "IPV4" | "IPV6"): string;
  addWebAcl(acl: Members): void;
  /** As they were last written. */
  addresses(name: string): readonly string[];
  /** As it is now. */
  webAcl(name: string): Members;
  /** By action, in the order in which they were answered, with the status. */
  readonly log: readonly string[];
  /** Called before a request is answered; what it throws is the answer. */
  intercept(interceptor: (action: string) => Promise<void> | void): void;
  close(): Promise<void>;
}

export class WafError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export async function startFakeWaf(): Promise<FakeWaf> {
  const kept: Kept[] = [];
  const log: string[] = [];
  let interceptor: (action: string) => Promise<void> | void = () => {};
  const server = createServer((request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const action = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    const input = (await json(request)) as Members;
    let [status, body]: [number, Members] = [200, {}];
    try {
      if (request.headers.authorization === undefined) {
        throw new WafError("MissingAuthenticationTokenException", "not signed");
      }
      await interceptor(action);
      body = act(action, input);
    } catch (error) {
      const { name, message } = error as Error;
      [status, body] = [400, { __type: name, message }];
    }
    log.push(`${action} ${status === 200 ? "" : String(body["__type"])}`.trim());
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify(body));
  }

  function act(action: string, input: Members): Members {
    if (action === "ListWebACLs") {
      const acls = kept.filter(({ kind }) => kind === "WebACL");
      return { WebACLs: acls.map(({ id, value }) => ({ Id: id, Name: value["Name"] })) };
    }
    const [, verb, kind] = /^(Get|Update)(IPSet|WebACL)$/.exec(action) ?? [];
    const found = kept.find(
      (one) => one.kind === kind && one.id === input["Id"] && one.value["Name"] === input["Name"],
    );
    if (found === undefined || input["Scope"] !== "CLOUDFRONT") {
      throw new WafError("WAFNonexistentItemException", `no ${kind} ${String(input["Name"])}`);
    }
    if (verb === "Get") {
      return { [found.kind]: { ...found.value, Id: found.id }, LockToken: found.lockToken };
    }
    if (input["LockToken"] !== found.lockToken) {
      throw new WafError("WAFOptimisticLockException", "somebody changed it since");
    }
    const { LockToken: _token, Scope: _scope, Id: _id, ...value } = input;
    found.value = kind === "IPSet" ? { ...found.value, ...atFullLength(value) } : value;
    found.lockToken = randomUUID();
    return { NextLockToken: found.lockToken };
  }

  function valueOf(kind: Kept["kind"], name: string): Members {
    const found = kept.find((one) => one.kind === kind && one.value["Name"] === name);
    if (found === undefined) throw new Error(`no ${kind} ${name}`);
    return found.value;
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    addIpSet(name, family) {
      const id = randomUUID();
      const value = { Name: name, Description: "d", IPAddressVersion: family, Addresses: [] };
      kept.push({ kind: "IPSet", id, value, lockToken: randomUUID() });
      return `${name}|${id}|CLOUDFRONT`;
    },
    addWebAcl: (value) =>
      void kept.push({ kind: "WebACL", id: randomUUID(), value, lockToken: randomUUID() }),
    addresses: (name) => valueOf("IPSet", name)["Addresses"] as string[],
    webAcl: (name) => valueOf("WebACL", name),
    log,
    intercept: (given) => void (interceptor = given),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function atFullLength(value: Members): Members {
  const addresses = (value["Addresses"] as string[]).map((cidr) => {
    const [address = "", prefix] = cidr.split("/");
    if (!address.includes(":")) return cidr;
    const [head = "", tail = ""] = address.split("::");
    const [before, after] = [head, tail].map((part) => (part === "" ? [] : part.split(":")));
    const zeros = Array<string>(8 - before!.length - after!.length).fill("0");
    const groups = address.includes("::") ? [...before!, ...zeros, ...after!] : before!;
    return `${groups.map((group) => group.padStart(4, "0")).join(":")}/${prefix}`;
  });
  return { ...value, Addresses: addresses };
}
