import { expect, test } from "vitest";
import { planJsonSchema } from "../../../producer/plan/schema.ts";

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: unknown;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | false;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

const schema = planJsonSchema() as Schema;

test("the JSON Schema knows every field of a plan, and no others", () => {
  expect(Object.keys(schema.properties ?? {})).toEqual(
    "$schema name lanes total defaults retry breaker success expect keep save redirects allow proxy tolerance trace onSettled calls from each".split(
      " ",
    ),
  );
  expect(schema).toMatchObject({ type: "object", additionalProperties: false });
  expect(schema).not.toHaveProperty("required");
});

test("it describes what a person writes, with defaults and examples", () => {
  expect(schema.properties?.["defaults"]?.properties?.["timeout"]).toMatchObject({
    type: "string",
    default: "10s",
    examples: ["500ms", "10s", "5m", "2h"],
  });
  expect(schema.properties?.["retry"]?.properties?.["attempts"]).toMatchObject({
    type: "integer",
    minimum: 1,
    maximum: 100,
    default: 5,
  });
  expect(schema.properties?.["breaker"]?.anyOf?.[1]?.properties?.["share"]).toMatchObject({
    default: "90%",
  });
  const lane = schema.properties?.["lanes"]?.additionalProperties || undefined;
  expect(lane?.properties?.["concurrency"]).toMatchObject({
    description: expect.stringContaining("else 64") as string,
    anyOf: [
      { type: "integer", minimum: 1, maximum: 100_000 },
      { const: "auto" },
      { type: "object", required: ["min", "max"], additionalProperties: false },
    ],
  });
  expect(schema.properties?.["calls"]?.items?.anyOf).toEqual([
    expect.objectContaining({ type: "string" }),
    expect.objectContaining({ type: "object", required: ["url"] }),
  ]);
});

test("every field has a description", () => {
  const nameless: string[] = [];
  const walk = (node: Schema, path: string): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      if (child.description === undefined) nameless.push(`${path}.${name}`);
      walk(child, `${path}.${name}`);
    }
    if (typeof node.additionalProperties === "object") walk(node.additionalProperties, `${path}.*`);
    if (node.items !== undefined) walk(node.items, `${path}[]`);
    for (const branch of node.anyOf ?? []) walk(branch, path);
  };
  walk(schema, "plan");
  expect(nameless).toEqual([]);
});
