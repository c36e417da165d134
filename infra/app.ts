import { SenpuError, EXIT, messageOf } from "../shared/errors.ts";
import { findEnvironment } from "./environments/index.ts";
import { prepareAssets } from "./stacks/assets.ts";
import { makeApp } from "./stacks/make-app.ts";

/**
 * The CDK app of one environment, which its argument names: `cdk --app "node infra/app.ts test"`.
 * `senpu deploy` calls it, and `npm run synth` for all of them.
 */
try {
  makeApp(findEnvironment(process.argv[2]), await prepareAssets());
} catch (error) {
  if (!(error instanceof SenpuError)) throw error;
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = EXIT.usage;
}
