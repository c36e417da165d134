import type { InvocationEnd } from "../lambda/execution-environment.ts";

/**
 * Which messages of a batch an invocation has done with: those are deleted; the others come again when their visibility
 * timeout ends. Pure. Source: Lambda developer guide, "Implementing partial batch responses", "Success and failure
 * conditions": an empty or null response or list is a complete success; an identifier that is empty, null, under
 * another key or none of the batch's makes it a complete failure, as does a function error.
 */
export function doneWith(end: InvocationEnd, messageIds: readonly string[]): readonly string[] {
  if (end.kind !== "returned") return [];
  const { result } = end;
  if (result === null || result === undefined) return messageIds;
  if (typeof result !== "object") return [];
  const failures = (result as { batchItemFailures?: unknown }).batchItemFailures;
  if (failures === undefined || failures === null) return messageIds;
  if (!Array.isArray(failures)) return [];
  const batch = new Set(messageIds);
  const failed = new Set<string>();
  for (const failure of failures as ({ itemIdentifier?: unknown } | null)[]) {
    const id = failure?.itemIdentifier;
    if (typeof id !== "string" || !batch.has(id)) return [];
    failed.add(id);
  }
  return messageIds.filter((id) => !failed.has(id));
}
