import { z } from "zod";
import { addFault, check, closedObject } from "../../shared/document/scalars.ts";
import { namesIn } from "../../shared/secrets/references.ts";
import type { OnSettled } from "../../shared/model/on-settled.ts";
import { headersSchema } from "./call-schema.ts";
import { normaliseUrl } from "./url.ts";

const COMMAND_RIGHT = 'a list of a program and its arguments, such as ["notify", "--run"]';

/** What is done once the run has ended. */
export const onSettledSchema = closedObject({
  webhook: z
    .string({ error: "an absolute URL such as https://hooks.example.com/senpu" })
    .transform((text, context) => check(context, text, () => normaliseUrl(text)))
    .optional()
    .meta({ description: "The run's figures are posted here; may hold ${env:NAME}." }),
  headers: headersSchema.optional(),
  command: z
    .array(
      // NUL ends a program's argument.
      z.string({ error: COMMAND_RIGHT }).regex(/^[^\0]*$/, { error: COMMAND_RIGHT }),
      { error: COMMAND_RIGHT },
    )
    .refine(([program]) => program !== undefined && program !== "", {
      error: `names no program; ${COMMAND_RIGHT}`,
    })
    .optional()
    .meta({
      description:
        "A program and its arguments, started without a shell; the figures come on its standard input.",
      examples: [["notify", "--run"]],
    }),
}).transform((written, context): OnSettled => {
  const { webhook, headers, command } = written;
  if (webhook === undefined && headers !== undefined) {
    addFault(context, headers, ["headers"], "need webhook, which they are sent with");
  } else if (webhook === undefined && command === undefined) {
    addFault(context, written, [], "does nothing; give webhook, command or both");
  }
  for (const name of [webhook ?? "", ...Object.values(headers ?? {})].flatMap(namesIn)) {
    if (name.startsWith("env:")) continue;
    addFault(
      context,
      "",
      [],
      `\${${name}} is not to be had where runs are recorded; \${env:NAME} is`,
    );
  }
  return {
    ...(webhook === undefined ? {} : { webhook }),
    ...(headers === undefined ? {} : { headers }),
    ...(command === undefined ? {} : { command }),
  };
});
