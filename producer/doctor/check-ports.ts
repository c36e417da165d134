import { lookup } from "node:dns/promises";
import { createServer } from "node:net";
import { ok, problem, warning } from "./finding.ts";
import type { Check } from "./finding.ts";

const NAME = "ports";

/** Can a broker listen on this machine's own address, and is that found under its name? */
export const checkPorts: Check = async () => {
  const [four, six] = [await canListen("127.0.0.1"), await canListen("::1")];
  if (!four) {
    return [
      problem(
        NAME,
        "127.0.0.1 cannot be listened on, which the embedded broker does",
        "let programs listen on the loopback address, or name a broker elsewhere with --endpoint-url",
      ),
    ];
  }
  const names = await addressesOf("localhost");
  const found = `127.0.0.1 ${six ? "and ::1 " : ""}can be listened on; localhost is ${names.join(" and ") || "unknown"}`;
  if (names.includes("127.0.0.1")) return [ok(NAME, found)];
  return [
    warning(
      NAME,
      found,
      "plans that call localhost may not reach what listens on 127.0.0.1: add it to /etc/hosts",
    ),
  ];
};

function canListen(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(0, address, () => server.close(() => resolve(true)));
  });
}

/** From the machine's own list of names. */
async function addressesOf(name: string): Promise<string[]> {
  try {
    const found = await lookup(name, { all: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch {
    return [];
  }
}
