import type { EnvHttpProxyAgent } from "undici";
import { environmentVariable } from "../../shared/environment.ts";
import type { Route } from "./route.ts";

/** Proxies as the environment names them; empty: none. */
export interface ProxySettings {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  /** Hosts that are called directly, as `NO_PROXY` has them. */
  readonly noProxy: string;
}

/** No proxy is meant by these for what runs on the same machine (as `golang.org/x/net/http/httpproxy` has it). */
const LOOPBACK = "localhost,127.0.0.1,[::1]";

/** `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in small letters or capitals; undefined: there is none. */
export function proxiesOfEnvironment(): ProxySettings | undefined {
  const httpProxy = readEither("http_proxy");
  const httpsProxy = readEither("https_proxy") || httpProxy;
  if (httpProxy === "" && httpsProxy === "") return undefined;
  return { httpProxy, httpsProxy, noProxy: `${readEither("no_proxy")},${LOOPBACK}` };
}

/** A plan's own proxy, for every call but those to hosts of `NO_PROXY`. */
export function proxiesOfPlan(url: string): ProxySettings {
  return { httpProxy: url, httpsProxy: url, noProxy: readEither("no_proxy") };
}

function readEither(name: string): string {
  return environmentVariable(name) || environmentVariable(name.toUpperCase()) || "";
}

let loaded: typeof EnvHttpProxyAgent | undefined;
let routes = 0;

/**
 * A route through proxies. Each origin has an agent of its own, and so its own connections: who calls it sees to how
 * many. undici's part for it is loaded by the first.
 */
export async function openProxyRoute(settings: ProxySettings): Promise<Route> {
  loaded ??= (await import("undici")).EnvHttpProxyAgent;
  const Agent = loaded;
  return {
    key: `proxy-${++routes}`,
    open: (options) =>
      new Agent({
        ...options,
        ...(settings.httpProxy === "" ? {} : { httpProxy: settings.httpProxy }),
        ...(settings.httpsProxy === "" ? {} : { httpsProxy: settings.httpsProxy }),
        noProxy: settings.noProxy,
      }),
  };
}
