import { createSocket } from "node:dgram";
import { Resolver } from "node:dns";
import { once } from "node:events";
import type { LookupFunction } from "node:net";

/** A name server on this machine, for addresses of IPv4. */
export interface DnsServer {
  /** Questions answered so far. */
  readonly asked: readonly string[];
  /** What a name has: addresses, or another name; each question takes the next of them, and then the last again. */
  readonly names: Map<string, (string | readonly string[])[]>;
  /** As `dns.lookup`, by this server alone. */
  readonly resolve: LookupFunction;
  close(): void;
}

const TYPE_A = 1;
const TYPE_CNAME = 5;
const ANSWER = 0x8180;
const NO_SUCH_NAME = 0x8183;

export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  const names: DnsServer["names"] = new Map();
  const take = (name: string): string | readonly string[] | undefined => {
    const answers = names.get(name) ?? [];
    return answers.length > 1 ? answers.shift() : answers[0];
  };
  socket.on("message", (question, { port, address }) => {
    const name = readName(question);
    asked.push(name);
    socket.send(answer(question, name, take), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return {
    asked,
    names,
    resolve: (hostname, _options, callback) => {
      resolver.resolve4(hostname, (error, addresses) => {
        if (error !== null) return callback(error, "");
        callback(
          null,
          addresses.map((found) => ({ address: found, family: 4 })),
        );
      });
    },
    close: () => socket.close(),
  };
}

/** The question's name (RFC 1035, 4.1.2): labels behind their lengths, from byte 12. */
function readName(question: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; question[at] !== 0; at += question[at]! + 1) {
    labels.push(question.toString("latin1", at + 1, at + 1 + question[at]!));
  }
  return labels.join(".").toLowerCase();
}

function writeName(name: string): Buffer {
  const labels = name
    .split(".")
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

/** The question again, and records that are good for no second (RFC 1035, 4.1.3). */
function answer(
  question: Buffer,
  name: string,
  take: (name: string) => string | readonly string[] | undefined,
): Buffer {
  const records: Buffer[] = [];
  let owner = name;
  let found = take(owner);
  while (typeof found === "string") {
    records.push(record(owner, TYPE_CNAME, writeName(found)));
    owner = found;
    found = take(owner);
  }
  for (const address of found ?? []) {
    records.push(record(owner, TYPE_A, Buffer.from(address.split(".").map(Number))));
  }
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(found === undefined ? NO_SUCH_NAME : ANSWER, 2);
  header.writeUInt16BE(records.length, 6);
  header.fill(0, 8);
  const asks = question.subarray(12, 12 + writeName(name).length + 4);
  return Buffer.concat([header, asks, ...records]);
}

function record(owner: string, type: number, data: Buffer): Buffer {
  const fields = Buffer.alloc(10);
  fields.writeUInt16BE(type, 0);
  fields.writeUInt16BE(1, 2);
  fields.writeUInt16BE(data.length, 8);
  return Buffer.concat([writeName(owner), fields, data]);
}
