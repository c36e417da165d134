import type { AuthPolicy } from "../../shared/model/auth.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import type { Policy } from "../../shared/model/policy.ts";
import { Renewable } from "../../shared/renewable.ts";
import { openSecrets } from "../../shared/secrets/open.ts";
import { namesIn } from "../../shared/secrets/references.ts";
import type { Secrets } from "../../shared/secrets/secrets.ts";
import { openProxyRoute, proxiesOfEnvironment, proxiesOfPlan } from "../execute/proxy-route.ts";
import type { Route } from "../execute/route.ts";
import { Access, textsOf } from "./access.ts";
import { CredentialSource } from "./credential-source.ts";
import type { CredentialMaker } from "./credential-source.ts";
import { makeStatic } from "./static-credentials.ts";

/** As of a route whose secret could not be read. */
const ROUTE_RETRY_MS = 5_000;

/**
 * Credentials of a worker, over all its lanes and for as long as it lives: calls of whatever lane and run that have the
 * same `auth` share them.
 */
export class AccessBook {
  readonly #secrets: Secrets;
  readonly #sources = new Map<string, CredentialSource>();
  readonly #routes = new Map<string, Renewable<Route>>();
  readonly #hasProxies = proxiesOfEnvironment() !== undefined;

  constructor(secrets: Secrets = openSecrets()) {
    this.#secrets = secrets;
  }

  /** What the message's calls need; undefined: nothing, as for most. `body`: the message as it came. */
  accessOf(message: CallsMessage, body: string): Access | undefined {
    const { policy, calls } = message;
    const { auth, proxy } = policy;
    const hasReferences = body.includes("${");
    const hasRoute = proxy === undefined ? this.#hasProxies : proxy !== "none";
    const hasClaims = calls.some(({ claim }) => claim !== undefined);
    if (auth === undefined && !hasRoute && !hasReferences && !hasClaims) return undefined;
    const texts = hasReferences
      ? [...Object.values(policy.headers), ...calls.flatMap(textsOf)].filter((text) =>
          text.includes("${"),
        )
      : [];
    const route = hasRoute ? this.#routeOf(proxy) : undefined;
    return new Access({
      secrets: this.#secrets,
      names: [...new Set(texts.flatMap(namesIn))],
      mustResolve: texts.length > 0,
      route,
      source: auth === undefined ? undefined : this.#sourceOf(auth, policy, route),
    });
  }

  #sourceOf(
    auth: AuthPolicy,
    { proxy, allow }: Policy,
    route: Renewable<Route> | undefined,
  ): CredentialSource {
    // A token endpoint is reached by the run's own allow list.
    const key = JSON.stringify([auth, proxy, auth.kind === "oauth2" ? allow : []]);
    let source = this.#sources.get(key);
    if (source === undefined) {
      source = new CredentialSource(this.#make(auth, allow, route));
      this.#sources.set(key, source);
    }
    return source;
  }

  #make(
    auth: AuthPolicy,
    allow: readonly string[],
    route: Renewable<Route> | undefined,
  ): CredentialMaker {
    switch (auth.kind) {
      case "oauth2":
        // It is asked for credentials only once there is a route.
        return later(async () => {
          const { makeOAuth2 } = await import("./oauth2-credentials.ts");
          const path = { allow, route: () => route?.get(Date.now()) };
          return makeOAuth2(auth, this.#secrets, path);
        });
      case "sigv4":
        return later(async () => (await import("./sigv4-credentials.ts")).makeSigV4(auth));
      case "bearer":
      case "basic":
      case "apiKey":
      default:
        return makeStatic(auth, this.#secrets);
    }
  }

  #routeOf(proxy: string | undefined): Renewable<Route> {
    const key = proxy ?? "";
    let route = this.#routes.get(key);
    if (route === undefined) {
      route = new Renewable(
        async () => ({
          value: await this.#openRoute(proxy),
          freshUntil: Infinity,
          validUntil: Infinity,
        }),
        () => ROUTE_RETRY_MS,
      );
      this.#routes.set(key, route);
    }
    return route;
  }

  async #openRoute(proxy: string | undefined): Promise<Route> {
    if (proxy !== undefined) {
      await this.#secrets.load(namesIn(proxy));
      return openProxyRoute(proxiesOfPlan(this.#secrets.resolve(proxy)));
    }
    const settings = proxiesOfEnvironment();
    if (settings === undefined) throw new Error("the environment names no proxy any more");
    return openProxyRoute(settings);
  }
}

/** A maker that is loaded by its first fetch. */
function later(load: () => Promise<CredentialMaker>): CredentialMaker {
  let loaded: Promise<CredentialMaker> | undefined;
  return {
    canChange: true,
    fetch: async (isRefused) => (await (loaded ??= load())).fetch(isRefused),
  };
}
