import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Bundle } from "./bundle.ts";

const LARGEST = 5;

/** The table of sizes as it is committed, in Markdown. */
export function renderSizes(bundles: readonly Bundle[]): string {
  const rows = bundles.map(
    (bundle) =>
      `| ${bundle.name} | ${kilobytes(bundle.bytes)} | ${kilobytes(bundle.maxBytes)} | ${kilobytes(bundle.lazyBytes)} | ${kilobytes(zippedBytes(bundle))} | ${largestParts(bundle)} |`,
  );
  return [
    "# Sizes of the functions' bundles",
    "",
    "Written by `npm run bundle`. Kilobytes of 1,000 bytes, minified: what is loaded at the start, its limit, what is loaded",
    "beside it where a deployment has a coordination table, a bucket or a ledger in PostgreSQL, all of it with gzip, and the",
    "largest parts at the start.",
    "",
    "| function | at the start | limit | lazily | gzip | most of it |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

function zippedBytes({ folder }: Bundle): number {
  const files = readdirSync(folder).filter((name) => name.endsWith(".mjs"));
  return files.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, name))).length, 0);
}

function largestParts({ parts }: Bundle): string {
  return parts
    .slice(0, LARGEST)
    .map(([name, bytes]) => `${name} ${kilobytes(bytes)}`)
    .join(", ");
}

function kilobytes(bytes: number): string {
  return String(Math.round(bytes / 1_000));
}
