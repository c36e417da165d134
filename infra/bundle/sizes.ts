import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Bundle } from "./bundle.ts";

const LARGEST = 5;

/** The table of sizes as it is committed, in Markdown. */
export function renderSizes(bundles: readonly Bundle[]): string {
  const rows = bundles.map(
    (bundle) =>
      `| ${bundle.name} | ${kilobytes(bundle.bytes)} | ${kilobytes(zippedBytes(bundle))} | ${kilobytes(bundle.maxBytes)} | ${largestParts(bundle)} |`,
  );
  return [
    "# Sizes of the functions' bundles",
    "",
    "Written by `npm run bundle`. Kilobytes of 1,000 bytes: minified, the same with gzip, the limit, the largest parts.",
    "",
    "| function | minified | gzip | limit | most of it |",
    "|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

function zippedBytes({ folder }: Bundle): number {
  return gzipSync(readFileSync(join(folder, "index.mjs"))).length;
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
