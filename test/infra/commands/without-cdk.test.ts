import { build } from "esbuild";
import { expect, test } from "vitest";

test.each(["maintenance", "allow-ip"])(
  "senpu %s loads no CDK, which takes seconds: a deployment is a process of its own",
  async (name) => {
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
    const imported = Object.values(metafile.inputs).flatMap(({ imports }) =>
      imports.filter(({ external }) => external === true).map(({ path }) => path),
    );
    expect(imported).toContain("@aws-sdk/client-wafv2");
    expect(imported.filter((path) => /^(aws-cdk|constructs|cdk-nag|@aws-cdk)/.test(path))).toEqual(
      [],
    );
  },
);
