import { readFileSync } from "node:fs";

/** What the page carries in itself beside its data: nothing of it is ever requested. */
export interface PageParts {
  readonly css: string;
  /** The chart library, with its licence. */
  readonly library: string;
  readonly script: string;
}

/** In the order in which they use each other. */
const SCRIPTS = ["format.js", "tooltip.js", "chart.js", "main.js"] as const;

export function readParts(): PageParts {
  const licence = readLibrary("LICENSE").trim();
  return {
    css: `${readLibrary("dist/uPlot.min.css")}\n${readOwn("page.css")}`,
    library: `${readOwn("paper.js")}/*! uPlot\n${licence.replaceAll("*/", "* /")}\n*/\n${readLibrary("dist/uPlot.iife.min.js")}`,
    script: `"use strict";\n${SCRIPTS.map((name) => joinable(readOwn(name))).join("\n")}`,
  };
}

/** Modules for whoever reads and checks them, and one script for the page, which can load nothing: their names do not meet. */
function joinable(module: string): string {
  return module.replace(/^import [^;]*;$/gm, "").replace(/^export /gm, "");
}

function readOwn(name: string): string {
  return readFileSync(new URL(`page/${name}`, import.meta.url), "utf8");
}

function readLibrary(name: string): string {
  return readFileSync(new URL(import.meta.resolve(`uplot/${name}`)), "utf8");
}
