import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import { T0, outcomes, planned, succeeded } from "../../conformance/ledger-records.ts";

/** A recorder of its own process: `path run name`. Half of what it records, others record as well. */
const [path, run, name] = process.argv.slice(2) as [string, string, string];
const ledger = openSqliteLedger(path);
for (let batch = 0; batch < 20; batch++) {
  const ids = Array.from({ length: 50 }, (_, index) => `${batch}-${index}`);
  const all = [...ids.map((id) => `${name}-${id}`), ...ids];
  await ledger.record([planned(run, all), outcomes(run, ...all.map((id) => succeeded(id)))], T0);
}
await ledger.close();
