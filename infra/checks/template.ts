/** A CloudFormation template, as far as the checks look into it. */
export interface Template {
  readonly Resources?: Readonly<Record<string, Resource>>;
}

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** Looks for one kind of mistake that CDK's own validation misses. Returns a line for each, which names the resource. */
export type Check = (template: Template) => string[];

export function resourcesOf(template: Template, type: string): [id: string, resource: Resource][] {
  return Object.entries(template.Resources ?? {}).filter(([, { Type }]) => Type === type);
}

/** The logical id that a value refers to, by Ref or Fn::GetAtt; undefined for any other value. */
export function referredTo(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { Ref, "Fn::GetAtt": attribute } = value as { Ref?: unknown; "Fn::GetAtt"?: unknown };
  if (typeof Ref === "string") return Ref;
  if (Array.isArray(attribute)) return String(attribute[0]);
  return typeof attribute === "string" ? attribute.split(".")[0] : undefined;
}

/** Every reference anywhere in a value. */
export function allReferredTo(value: unknown): Set<string> {
  const found = new Set<string>();
  const walk = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    const id = referredTo(part);
    if (id !== undefined) found.add(id);
    for (const inner of Object.values(part)) walk(inner);
  };
  walk(value);
  return found;
}
