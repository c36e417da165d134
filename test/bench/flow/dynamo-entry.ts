import { startDynamoStore } from "../../support/dynamo-store.ts";

/** A DynamoDB in a process of its own. Out: its URL, on a line of stdout. */
const store = await startDynamoStore();
process.stdout.write(`${store.url}\n`);
