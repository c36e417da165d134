import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";

/** A part of a package that no function uses, and what stands in its place. */
interface Unused {
  /** Of the file, from its package's folder on. */
  readonly path: RegExp;
  /** ESM or CommonJS, as the file itself is. */
  readonly instead: string;
}

/**
 * What is left out of the bundles, each with the reason why nothing misses it. A part that a later version of a package
 * has moved is simply not found, and the size limit tells.
 */
const UNUSED: readonly Unused[] = [
  // Lambda hands a function its credentials in variables (developer guide, "Defined runtime environment variables"):
  // of the chain of providers (profiles, single sign-on, metadata services), only the one that reads those is used.
  {
    path: /@aws-sdk\/credential-provider-node\/dist-(es|cjs)\/index\.js$/,
    instead:
      'export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env"; export { fromEnv as credentialDefaultProvider } from "@aws-sdk/credential-provider-env";',
  },
  // For IAM's tokens, the same, by another package's way to that chain.
  {
    path: /@aws-sdk\/credential-providers\/dist-(es|cjs)\/index\.js$/,
    instead: 'export { fromEnv as fromNodeProviderChain } from "@aws-sdk/credential-provider-env";',
  },
  // The parser of HTTP for where WebAssembly has no SIMD, which both of Lambda's processors have.
  { path: /undici\/lib\/llhttp\/llhttp-wasm\.js$/, instead: 'module.exports = "";' },
  // The consumer's pools speak HTTP/1.1 only.
  { path: /undici\/lib\/dispatcher\/client-h2\.js$/, instead: "module.exports = () => {};" },
  // Bodies that are forms, blobs or iterables: senpu sends text.
  { path: /undici\/lib\/web\/fetch\/(body|formdata)\.js$/, instead: "module.exports = {};" },
  // Messages of zod in forty languages; English is part of its core.
  {
    path: /zod\/v4\/locales\/index\.js$/,
    instead: 'export { default as en } from "./en.js";',
  },
];

/**
 * Of undici, which is one CommonJS module of everything, the functions import the connection pool by its own file; what
 * is loaded lazily, where there is a proxy, is the agent for that, with the one method that its entry would lend it.
 */
const UNDICI = join(dirname(createRequire(import.meta.url).resolve("undici")), "lib");
const PROXY = `
  import Dispatcher from "./dispatcher/dispatcher.js";
  import connect from "./api/api-connect.js";
  Dispatcher.prototype.connect = connect;
  export { default as EnvHttpProxyAgent } from "./dispatcher/env-http-proxy-agent.js";
`;

/** By which undici itself leaves out a second parser that it has on trial, as for the copy that is part of Node. */
export const TRIM_DEFINES = { esbuildDetection: "true" };

/** Leaves out what the functions do not use. */
export const trim: Plugin = {
  name: "trim",
  setup(build) {
    build.onResolve({ filter: /^undici$/ }, () => ({ path: "undici", namespace: "proxy" }));
    build.onLoad({ filter: /.*/, namespace: "proxy" }, () => ({
      contents: PROXY,
      resolveDir: UNDICI,
    }));
    for (const { path, instead } of UNUSED) {
      build.onLoad({ filter: path }, ({ path: file }) => ({
        contents: instead,
        resolveDir: dirname(file),
      }));
    }
  },
};
