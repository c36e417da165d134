import { expect, test } from "vitest";
import { readConfig } from "../../../shared/config/read-config.ts";
import { fromLaneOutputs, toLaneOutputs } from "../../../shared/deployment/deployed-lanes.ts";

test("what a stack tells of its lanes comes in pieces of at most 1,000 characters, and is the configuration's again", () => {
  const config = readConfig("senpu.config.yaml");
  const lanes = config.lanes.concat(config.lanes, config.lanes);
  const outputs = toLaneOutputs({ ...config, lanes });
  expect(outputs.size).toBeGreaterThan(1);
  for (const piece of outputs.values()) expect(piece.length).toBeLessThanOrEqual(1_000);
  const read = fromLaneOutputs(outputs);
  expect(read?.lanes.map(({ name }) => name)).toEqual(lanes.map(({ name }) => name));
  expect(config.lanes[0]).toMatchObject(read?.lanes[0] ?? {});
});

test("outputs that tell of no lanes are told from some that do", () => {
  expect(fromLaneOutputs(new Map())).toBeUndefined();
  expect(fromLaneOutputs(new Map([["Lanes1", '{"lanes":[']]))).toBeUndefined();
});
