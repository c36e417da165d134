import { namesIn } from "../../shared/secrets/references.ts";
import type { SecretName } from "../../shared/secrets/references.ts";

/** What the recorder resolves, wherever that is, and not the workers. */
const NOT_OF_CALLS: ReadonlySet<string> = new Set(["onSettled"]);

/** Secrets that a plan's text refers to, each once. `value`: the document as it was parsed. */
export function findSecrets(value: unknown): SecretName[] {
  const found = new Set<SecretName>();
  const look = (part: unknown): void => {
    if (typeof part === "string") for (const name of namesIn(part)) found.add(name);
    else if (Array.isArray(part)) part.forEach(look);
    else if (typeof part === "object" && part !== null) Object.values(part).forEach(look);
  };
  if (typeof value !== "object" || value === null) return [];
  for (const [field, part] of Object.entries(value)) if (!NOT_OF_CALLS.has(field)) look(part);
  return [...found];
}
