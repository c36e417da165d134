import { EXIT, messageOf } from "../../shared/errors.ts";
import { synthesise } from "../stacks/synthesise.ts";
import { idleCost, renderIdle } from "./render-idle.ts";

/** `npm run cost`: what each environment costs in a month in which nothing runs, from its templates; needs no credentials. */
try {
  const environments = await synthesise();
  process.stdout.write(`${renderIdle(environments.map(idleCost))}\n`);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = EXIT.failedCalls;
}
