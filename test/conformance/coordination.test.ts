import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openDynamoCoordination } from "../../shared/coordination/dynamo-coordination.ts";
import { createMemoryCoordination } from "../../shared/coordination/memory-coordination.ts";
import { openSqliteCoordination } from "../../shared/coordination/sqlite-coordination.ts";
import { temporaryFolder } from "../shared/broker/embedded.ts";
import { startDynamoStore } from "../support/dynamo-store.ts";
import { coordinationConformance } from "./coordination.ts";

coordinationConformance("memory", (clock) => {
  const coordination = createMemoryCoordination(clock);
  return { open: () => coordination };
});

coordinationConformance("SQLite", (clock) => {
  const path = join(temporaryFolder(), "coordination.db");
  return {
    open: () => {
      const coordination = openSqliteCoordination(path, clock);
      onTestFinished(() => coordination.close());
      return coordination;
    },
  };
});

coordinationConformance("DynamoDB", async (clock) => {
  const store = await startDynamoStore(clock);
  onTestFinished(() => store.close());
  return {
    open: async () => {
      const coordination = await openDynamoCoordination({
        table: "senpu",
        endpointUrl: store.url,
        clock,
      });
      onTestFinished(() => coordination.close());
      return coordination;
    },
  };
});
