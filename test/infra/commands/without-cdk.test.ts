import { build } from "esbuild";
import { expect, test } from "vitest";

/** Packages that a command's module and all that it imports need. */
async function packagesOf(name: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [`infra/commands/${name}.ts`],
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  return Object.values(metafile.inputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external === true).map(({ path }) => path),
  );
}

test.each(["maintenance", "allow-ip"])(
  "senpu %s loads no CDK, which takes seconds: a deployment is a process of its own",
  async (name) => {
    const imported = await packagesOf(name);
    expect(imported).toContain("@aws-sdk/client-wafv2");
    expect(imported.filter((path) => /^(aws-cdk|constructs|cdk-nag|@aws-cdk)/.test(path))).toEqual(
      [],
    );
  },
);

test.each(["deploy", "doctor"])(
  "senpu %s loads no CDK either, but to compare templates",
  async (name) => {
    const imported = await packagesOf(name);
    expect(imported).toContain("@aws-sdk/client-sts");
    expect(imported.filter((path) => /^(aws-cdk|constructs|cdk-nag)/.test(path))).toEqual([]);
  },
);
