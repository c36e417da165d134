import type { PriceName, Prices } from "./prices.ts";

/** One line of what something costs. */
export interface CostItem {
  /** AWS's service. */
  readonly service: string;
  /** What it is needed for, in some words. */
  readonly what: string;
  readonly quantity: number;
  /** What one of the quantity is. */
  readonly unit: string;
  readonly usd: number;
}

/** What things cost, item by item; those that cost nothing are left out. */
export class Bill {
  readonly #prices: Prices;
  readonly #items: CostItem[] = [];

  constructor(prices: Prices) {
    this.#prices = prices;
  }

  /** `share`: of the price, where less is paid; default 1. */
  add(service: string, what: string, price: PriceName, quantity: number, share = 1): void {
    if (quantity <= 0) return;
    const { usd, per } = this.#prices[price];
    if (usd === 0) return;
    this.#items.push({ service, what, quantity, unit: per, usd: usd * share * quantity });
  }

  usdOf(price: PriceName): number {
    return this.#prices[price].usd;
  }

  get items(): readonly CostItem[] {
    return this.#items;
  }
}

export function totalUsd(items: readonly Pick<CostItem, "usd">[]): number {
  return items.reduce((sum, { usd }) => sum + usd, 0);
}

/** `$0.00`, `$0.42`, `$12.3`, `$1,240`: three digits, cents at the least; `<$0.01` for what is not nothing. */
export function formatUsd(usd: number): string {
  if (usd === 0) return "$0.00";
  if (usd < 0.005) return "<$0.01";
  const digits = usd < 10 ? 2 : usd < 100 ? 1 : 0;
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}
