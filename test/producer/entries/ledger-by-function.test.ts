import { expect, onTestFinished, test } from "vitest";
import { answerLedger } from "../../../consumer/entries/answer-ledger.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import { openStateFolder } from "../../../shared/state/state-folder.ts";
import { startEmbedded, temporaryFolder } from "../../shared/broker/embedded.ts";
import { useLambdaEndpoint } from "../../support/lambda-endpoint.ts";
import { firedAt, runAt, startProducer } from "./fresh-producer.ts";

const endpoint = useLambdaEndpoint();

test("the producer stores its run by the ledger's function before the first publish, and closes it there", async () => {
  const { endpointUrl } = await startEmbedded();
  const ledger = openSqliteLedger(openStateFolder(temporaryFolder()).ledgerFile);
  onTestFinished(() => ledger.close());
  endpoint.functions.set("senpu-test-ledger", (event) => answerLedger(ledger, event, "write"));
  const produce = await startProducer({
    SENPU_STATE: temporaryFolder(),
    SENPU_ENDPOINT_URL: endpointUrl,
    SENPU_LEDGER_FUNCTION: "senpu-test-ledger",
  });
  expect(await produce(firedAt(1, "skip"))).toMatchObject({ state: "published", planned: 3 });
  expect(await ledger.findRun(runAt(1))).toMatchObject({ state: "running", closedPlanned: 3 });
  expect(endpoint.invoked[0]).toBe("listRuns");
  expect(endpoint.invoked).toContain("createRun");
  expect(endpoint.invoked.at(-1)).toBe("record");
  expect(await produce(firedAt(2, "skip"))).toMatchObject({ state: "skipped" });
});
