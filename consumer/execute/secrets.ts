import { environmentVariable } from "../../shared/environment.ts";

/** `$${` stands for a literal `${`; `${env:NAME}` for the worker's environment variable. */
const REFERENCE = /\$\$\{|\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Thrown when a variable is not set in the worker; its message names it. */
class MissingSecretError extends Error {
  override readonly name = "MissingSecretError";
}

/** The text with its references resolved. Only what is about to be sent may hold the result. */
export function resolveSecrets(text: string): string {
  if (!text.includes("${")) return text;
  return text.replaceAll(REFERENCE, (_reference, name: string | undefined) => {
    if (name === undefined) return "${";
    const value = environmentVariable(name);
    if (value === undefined) {
      throw new MissingSecretError(`environment variable ${name} is not set in the worker`);
    }
    return value;
  });
}
