import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** The server where nginx is not found. Out: its URL, on a line of stdout. `GET /_count` tells what was served. */
const BODY = '{"ok":true}';
const HEADERS = { "content-type": "application/json", "content-length": BODY.length };

let served = 0;
const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.url === "/_count") {
    response.end(String(served));
    return;
  }
  served++;
  response.writeHead(200, HEADERS).end(BODY);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
