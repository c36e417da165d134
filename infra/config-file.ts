import { fileURLToPath } from "node:url";

/** `senpu.config.yaml` of this checkout: the lanes that are deployed are what it declares. */
export const CONFIG_FILE = fileURLToPath(new URL("../senpu.config.yaml", import.meta.url));
