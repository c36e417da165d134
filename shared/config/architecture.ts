import { z } from "zod";

/** The processor that a worker runs on, as AWS names it. */
export type Architecture = "arm64" | "x86_64";

export const architecture = z
  .enum(["arm64", "x86_64"], { error: "arm64 or x86_64" })
  .default("arm64")
  .meta({ description: "The processor; arm64 costs a fifth less." });
