/** Freezes a value and all that it holds. */
export function freezeDeep<T extends object>(value: T): T {
  for (const child of Object.values(value)) {
    if (typeof child === "object" && child !== null) freezeDeep(child as object);
  }
  return Object.freeze(value);
}
