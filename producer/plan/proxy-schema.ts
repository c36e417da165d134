import { z } from "zod";
import { Fault } from "../../shared/document/fault.ts";
import { check } from "../../shared/document/scalars.ts";
import { normaliseUrl } from "./url.ts";

const RIGHT = "none, or a proxy's URL such as http://proxy.example.com:3128";

/** Its value is never shown, as it may hold a password: `issues.ts` shows none of `proxy`. */
export const proxySchema = z
  .string({ error: RIGHT })
  .transform((text, context) =>
    check(context, text, () => {
      if (text === "none") return text;
      if (!/^https?:\/\//.test(text)) throw new Fault(`is not allowed; ${RIGHT}`);
      const url = normaliseUrl(text);
      if (/^https?:\/\/[^/?#]*\/?$/.test(url.replaceAll(/\$\{[^}]*\}/g, "x"))) return url;
      throw new Fault(`has a path, which proxies do not have; ${RIGHT}`);
    }),
  )
  .meta({
    description:
      "All calls go through it, but those to hosts of NO_PROXY; its password is a reference. Default: HTTPS_PROXY and HTTP_PROXY of the worker's environment; none: not even those.",
    examples: ["http://user:${env:PROXY_PASSWORD}@proxy.example.com:3128"],
  });
