import { parseArgs } from "node:util";
import { describeScenario, makeScenario } from "./scenario.ts";
import { play } from "./play.ts";
import { Totals, progressLine } from "./totals.ts";

const USAGE = `npm run test:faults -- [options]
  --seed N        play just this one, all of it told; several: --seed 1 --seed 2
  --scenarios N   how many to play (default 20)
  --minutes N     play for so long, and begin no other after that
  --jobs N        at a time (default 2)
  --from N        the first seed (default: by chance)
  --without KIND  leave a kind of fault out, to see which it was; several: --without cut --without dark
  --short         short ones, as npm test plays them
`;

const { values } = parseArgs({
  options: {
    seed: { type: "string", multiple: true },
    scenarios: { type: "string" },
    minutes: { type: "string" },
    jobs: { type: "string", default: "2" },
    from: { type: "string" },
    without: { type: "string", multiple: true, default: [] },
    short: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => process.exit(130));

if (values.help) process.stdout.write(USAGE);
else process.exitCode = (await playAll()) ? 0 : 1;

/** True when every invariant held. */
async function playAll(): Promise<boolean> {
  const seeds = chooseSeeds();
  const totals = new Totals();
  const until = performance.now() + Number(values.minutes ?? Infinity) * 60_000;
  const isTold = values.seed !== undefined;
  const job = async (): Promise<void> => {
    for (const seed of seeds) {
      if (performance.now() > until) return;
      const whole = makeScenario(seed, values.short ? "short" : "long");
      const scenario = {
        ...whole,
        faults: whole.faults.filter(({ kind }) => !values.without.includes(kind)),
      };
      if (isTold) console.log(describeScenario(scenario));
      const played = await play(scenario);
      totals.add(played);
      if (isTold) console.log(played.journal.text);
      console.log(progressLine(played, totals));
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, job));
  console.log(totals.text);
  return totals.failed.length === 0;
}

function* chooseSeeds(): Generator<number, undefined> {
  if (values.seed !== undefined) {
    yield* values.seed.map(Number);
    return;
  }
  const first = Number(values.from ?? Math.floor(Math.random() * 1_000_000));
  const count = Number(values.scenarios ?? (values.minutes === undefined ? 20 : Infinity));
  for (let n = 0; n < count; n++) yield first + n;
}
