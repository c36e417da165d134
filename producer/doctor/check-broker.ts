import { createServer } from "node:net";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { deploymentPrefix, openBroker } from "../../shared/broker/open.ts";
import { DATABASE_FILE, readLastPort } from "../../shared/broker/fauxqs-data.ts";
import { messageOf } from "../../shared/errors.ts";
import { askBroker, readBrokerRecord } from "../../shared/state/broker-record.ts";
import type { StateFolder } from "../../shared/state/state-folder.ts";
import { StateLock } from "../../shared/state/state-lock.ts";
import { formatBytes, formatDuration, formatQuantity } from "../../shared/terminal/format.ts";
import { canConnect } from "./can-connect.ts";
import { ok, problem, warning } from "./finding.ts";
import type { Check, Examination, Finding } from "./finding.ts";
import { holdersOf, isAlive, nameHolders } from "./holders.ts";
import { SLOW_BYTES, findDamage } from "./stores.ts";
import { sizeOf } from "../../shared/state/folder-sizes.ts";

const NAME = "broker";
/** One that reads a large backlog may take as long to answer. */
const STARTING_MS = 120_000;

/** Who runs the embedded broker, and does it answer? With an endpoint: does that? */
export const checkBroker: Check = async (examination) => {
  const { folder, endpointUrl } = examination;
  if (endpointUrl !== undefined) return [await checkEndpoint(endpointUrl)];
  if (deploymentPrefix(endpointUrl) !== undefined) {
    return [ok(NAME, "AWS's, of the deployment that SENPU_PREFIX names, which is not looked at")];
  }
  if (!existsSync(folder.path)) return [];
  const state = StateLock.isHeld(folder.lockFile)
    ? await checkHeld(folder, examination.now)
    : await checkFree(folder);
  return [state, ...checkData(examination)];
};

async function checkHeld(
  { path, lockFile, brokerFile }: StateFolder,
  now: number,
): Promise<Finding> {
  const record = readBrokerRecord(brokerFile);
  const holder = nameHolders(holdersOf([lockFile])) ?? `process ${record?.pid ?? "unknown"}`;
  if (record === undefined) {
    return problem(
      NAME,
      `${holder} holds ${lockFile} and tells no endpoint`,
      "end that process, and start again: nothing that was accepted is lost",
    );
  }
  const sinceMs = now - Date.parse(record.startedAt);
  if (record.endpoint === null && sinceMs < STARTING_MS) {
    return ok(NAME, `${holder} is starting it, for ${formatDuration(sinceMs)} now`);
  }
  if (record.endpoint !== null && (await askBroker(record.endpoint)) === "answers") {
    return ok(NAME, `${holder} runs it at ${record.endpoint} for ${formatDuration(sinceMs)}`);
  }
  return problem(
    NAME,
    `${holder} holds the broker of ${path}, and ${record.endpoint ?? "it"} does not answer`,
    `end that process (kill ${record.pid}) and start again: nothing that was accepted is lost`,
  );
}

async function checkFree({ brokerFile, brokerData }: StateFolder): Promise<Finding> {
  const record = readBrokerRecord(brokerFile);
  if (record !== undefined && !isAlive(record.pid)) {
    return warning(
      NAME,
      `process ${record.pid} died with it; what was accepted is on disk`,
      "the next command starts it again; senpu doctor --repair clears what the dead one left",
    );
  }
  const port = readLastPort(brokerData);
  if (port === undefined) return ok(NAME, "not running, and never did here");
  if (await isFree(port)) return ok(NAME, `not running; its port ${port} is free`);
  return warning(
    NAME,
    `not running; another program has its port ${port}`,
    "it takes another port; processes that still wait for it on this one do not find it",
  );
}

async function checkEndpoint(endpointUrl: string): Promise<Finding> {
  const unreachable = (found: string): Finding => ({
    ...problem(NAME, found, "start what serves it; without --endpoint-url, senpu brings its own"),
    unreachable: true,
  });
  if (!(await canConnect(endpointUrl))) return unreachable(`${endpointUrl} does not answer`);
  const broker = openBroker(endpointUrl);
  try {
    const lanes = await broker.lanes();
    return ok(NAME, `${endpointUrl} answers, with ${formatQuantity(lanes.length, "lane")}`);
  } catch (error) {
    return unreachable(messageOf(error));
  } finally {
    await broker.close();
  }
}

function checkData({ folder: { brokerData }, thorough, onSlow }: Examination): Finding[] {
  const path = join(brokerData, DATABASE_FILE);
  const bytes = sizeOf(path);
  if (bytes === 0) return [];
  if (bytes > SLOW_BYTES) onSlow(`looking through the broker's ${formatBytes(bytes)}`);
  const [damage] = findDamage(path, thorough);
  if (damage === undefined) return [];
  return [
    problem(
      NAME,
      `${path} is damaged: ${damage}`,
      "stop what runs here, then senpu doctor --repair saves the messages that can be read; senpu resume RUN sends what is missing",
    ),
  ];
}

/** On the loopback address, on which the broker listens. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
