import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { WAFV2Client } from "@aws-sdk/client-wafv2";
import { environmentVariable } from "../../shared/environment.ts";
import { SenpuError } from "../../shared/errors.ts";
import { log } from "../../shared/lambda/log.ts";
import { AddressSet } from "../edge/address-set.ts";
import { networkOf } from "../edge/network.ts";
import { Register, SetIsFull } from "../edge/register.ts";
import { Registrations } from "../edge/registrations.ts";
import { answer, isUrlEvent } from "../edge/url-event.ts";
import type { UrlAnswer, UrlEvent } from "../edge/url-event.ts";

const DAY_MS = 86_400_000;

interface Settings {
  readonly register: Register;
  readonly ipv6Prefix: 64 | 128;
  readonly lifetimeMs: number;
}

let settings: Settings | undefined;

/**
 * Registers the address from which its URL is called, for whoever signed the request (L4): POST adds it, or prolongs it;
 * DELETE takes it back. A schedule's `{"task": "expire"}` takes out what has had its time, and puts right whatever else
 * has changed the sets.
 *
 * Out: `{network, family, who, until}`; 403 for a request that nobody signed, 409 when the set is full.
 */
export async function handler(event: unknown): Promise<UrlAnswer> {
  settings ??= open();
  if ((event as { task?: unknown } | null)?.task === "expire") {
    await settings.register.expire(Date.now());
    return answer(200, { expired: true });
  }
  if (!isUrlEvent(event)) throw new Error("neither a request to the function's URL nor a task");
  return handle(event, settings);
}

async function handle(
  { requestContext }: UrlEvent,
  { register, ipv6Prefix, lifetimeMs }: Settings,
): Promise<UrlAnswer> {
  const { method, sourceIp } = requestContext.http;
  const who = requestContext.authorizer?.iam?.userArn;
  // Lambda has checked the signature; this holds also where somebody has opened the URL to everyone.
  if (who === undefined) return answer(403, { error: "the request is not signed" });
  const network = networkOf(sourceIp, ipv6Prefix);
  if (network === undefined) return answer(400, { error: `${sourceIp} is no address` });
  const { family, cidr } = network;
  const now = Date.now();
  if (method === "DELETE") {
    await register.remove(network, who, now);
    log("info", `${who} takes back ${cidr}`);
    return answer(200, { network: cidr, family, who, until: null });
  }
  if (method !== "POST") return answer(405, { error: "POST registers, DELETE takes back" });
  const until = now + lifetimeMs;
  try {
    await register.add({ network, who, since: now, until });
  } catch (error) {
    if (!(error instanceof SetIsFull)) throw error;
    return answer(409, { error: error.message });
  }
  const end = new Date(until).toISOString();
  log("info", `${who} registers ${cidr} until ${end}`);
  return answer(200, { network: cidr, family, who, until: end });
}

function open(): Settings {
  // AWS's endpoints, or those that AWS_ENDPOINT_URL names.
  const waf = new WAFV2Client({});
  return {
    register: new Register({
      registrations: new Registrations(new DynamoDBClient({}), variable("SENPU_REGISTRATIONS")),
      sets: {
        ipv4: new AddressSet(waf, variable("SENPU_IPV4_SET")),
        ipv6: new AddressSet(waf, variable("SENPU_IPV6_SET")),
      },
    }),
    ipv6Prefix: variable("SENPU_IPV6_PREFIX") === "128" ? 128 : 64,
    lifetimeMs: Number(variable("SENPU_EXPIRES_AFTER_DAYS")) * DAY_MS,
  };
}

function variable(name: string): string {
  const value = environmentVariable(name);
  if (value === undefined) throw new SenpuError("config", `the variable ${name} is missing`);
  return value;
}
