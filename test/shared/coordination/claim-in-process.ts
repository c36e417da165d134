import { openSqliteCoordination } from "../../../shared/coordination/sqlite-coordination.ts";

/** Opens the coordination file and claims a lane of the run's name. Arguments: the file, the run. */
const [path, run] = process.argv.slice(2);
const coordination = openSqliteCoordination(path!);
await coordination.claimLanes(run!, [{ lane: run!, concurrency: 1 }]);
await coordination.close();
