/** A handler's module that cannot be loaded. */
export const handler = (): null => null;

throw new Error("no such table");
