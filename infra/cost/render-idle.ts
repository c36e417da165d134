import { formatUsd, totalUsd } from "../../shared/cost/bill.ts";
import type { CostItem } from "../../shared/cost/bill.ts";
import { seenBetween } from "../../shared/cost/prices.ts";
import type { Synthesised } from "../stacks/synthesise.ts";
import { EDGE_REGION } from "../edge/names.ts";
import { costIdle, idlePrices } from "./idle.ts";

export interface IdleCost {
  readonly environment: string;
  readonly region: string;
  readonly stacks: readonly { readonly stack: string; readonly items: readonly CostItem[] }[];
}

/** What an environment's stacks cost in a month in which nothing runs. Throws as {@link costIdle} does. */
export function idleCost({
  environment,
  templates,
}: Pick<Synthesised, "environment" | "templates">): IdleCost {
  const stacks = [...templates].map(([stack, template]) => {
    const region = stack === "edge" ? EDGE_REGION : environment.region;
    return { stack, items: costIdle(stack, template, idlePrices(region)) };
  });
  return { environment: environment.name, region: environment.region, stacks };
}

/** Markdown, as the runbook has it: a table for each environment. */
export function renderIdle(costs: readonly IdleCost[]): string {
  return costs.map(renderOne).join("\n\n");
}

function renderOne({ environment, region, stacks }: IdleCost): string {
  const all = stacks.flatMap(({ items }) => items);
  const seen = seenBetween(idlePrices(region));
  const rows = stacks.flatMap(({ stack, items }) => [
    `| **${stack}** | ${formatUsd(totalUsd(items))} | |`,
    ...items.map(
      ({ service, what, quantity, unit, usd }) =>
        `| ${service}: ${what} | ${formatUsd(usd)} | ${Math.round(quantity).toLocaleString("en-US")} × ${unit} |`,
    ),
  ]);
  const without = stacks.filter(({ stack }) => stack !== "ledger").flatMap(({ items }) => items);
  return [
    `\`${environment}\` in ${region}, prices seen ${seen.oldest} to ${seen.newest}, before tax and free tiers:`,
    "",
    "| idle for a month | USD | what it is made of |",
    "|---|---|---|",
    ...rows,
    `| **all** | ${formatUsd(totalUsd(all))} | without the ledger ${formatUsd(totalUsd(without))} |`,
  ].join("\n");
}
