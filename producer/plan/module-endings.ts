/** Of plans that are modules. */
export const MODULE_ENDINGS: readonly string[] = ["ts", "mts", "js", "mjs"];
