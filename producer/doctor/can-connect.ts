import { connect } from "node:net";

const CONNECT_MS = 1_000;
const PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** Does anything listen there? Known at once, while a client would go on trying for seconds. */
export function canConnect(endpointUrl: string): Promise<boolean> {
  if (!URL.canParse(endpointUrl)) return Promise.resolve(false);
  const { hostname, port, protocol } = new URL(endpointUrl);
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, "");
    const socket = connect({ host, port: Number(port) || (PORTS[protocol] ?? 0) });
    const end = (found: boolean): void => {
      socket.destroy();
      resolve(found);
    };
    socket.setTimeout(CONNECT_MS, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
