import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Template } from "../../infra/checks/template.ts";
import { GUARD_FOLDER } from "../../infra/checks/inspect.ts";

export interface WrittenStack {
  readonly id: string;
  readonly stackName: string;
  readonly region: string;
  readonly template: Template;
  readonly dependsOn?: readonly string[];
  /** Logical ids by where they stand among the constructs. */
  readonly paths?: Readonly<Record<string, string>>;
}

const BOOTSTRAP_VERSION = 6;

/** What is stateful in a stack of the environment `test`, as it was accepted: a template that the guard lets pass. */
export function acceptedTemplate(id: string): { Resources: Record<string, unknown> } {
  return JSON.parse(readFileSync(join(GUARD_FOLDER, `test-${id}.json`), "utf8")) as {
    Resources: Record<string, unknown>;
  };
}

/** A cloud assembly as the CDK writes it, of stacks whose only asset is their template. */
export function writeAssembly(folder: string, stacks: readonly WrittenStack[]): void {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, value: unknown): string => {
    const text = JSON.stringify(value, undefined, 1);
    writeFileSync(join(folder, name), text);
    return createHash("sha256").update(text).digest("hex");
  };
  const artifacts: Record<string, unknown> = {};
  for (const { id, stackName, region, template, dependsOn = [], paths = {} } of stacks) {
    const hash = write(`${id}.template.json`, template);
    const bucketName = "cdk-hnb659fds-assets-${AWS::AccountId}-" + region;
    const objectKey = `${hash}.json`;
    const source = { path: `${id}.template.json`, packaging: "file" };
    const destinations = { [region]: { bucketName, objectKey, region } };
    write(`${id}.assets.json`, {
      version: "36.0.0",
      files: { [hash]: { source, destinations } },
      dockerImages: {},
    });
    write(
      `${id}.metadata.json`,
      Object.fromEntries(
        Object.entries(paths).map(([logicalId, path]) => [
          `/${id}/${path}/Resource`,
          [{ type: "aws:cdk:logicalId", data: logicalId }],
        ]),
      ),
    );
    const bootstrap = { requiresBootstrapStackVersion: BOOTSTRAP_VERSION };
    const bootstrapStackVersionSsmParameter = "/cdk-bootstrap/hnb659fds/version";
    artifacts[`${id}.assets`] = {
      type: "cdk:asset-manifest",
      properties: { file: `${id}.assets.json`, ...bootstrap, bootstrapStackVersionSsmParameter },
    };
    artifacts[id] = {
      type: "aws:cloudformation:stack",
      environment: `aws://unknown-account/${region}`,
      properties: {
        templateFile: `${id}.template.json`,
        stackName,
        ...bootstrap,
        bootstrapStackVersionSsmParameter,
        stackTemplateAssetObjectUrl: `s3://${bucketName}/${objectKey}`,
      },
      dependencies: [...dependsOn, `${id}.assets`],
      additionalMetadataFile: `${id}.metadata.json`,
      displayName: id,
    };
  }
  write("manifest.json", { version: "36.0.0", artifacts });
}
