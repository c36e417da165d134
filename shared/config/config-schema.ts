import { z } from "zod";
import type { Issue } from "../document/issues.ts";
import { closedObject } from "../document/scalars.ts";
import { DEFAULT_LANE } from "../model/lane.ts";
import type { LaneConfig } from "./config.ts";
import { compileCoverage } from "./lane-glob.ts";
import { laneSchema } from "./lane-schema.ts";
import { secretsSchema } from "./secrets-schema.ts";
import { lanesOf, matchFault, totalSchema } from "./limits-schema.ts";

/** The configuration's definition: the one place that its types, its validation and its JSON Schema come from. */

/** Source: SNS developer guide, "Filter policy constraints": values of one policy, and `unrouted` has every lane's name. */
const MAX_LANES = 150;

export const configSchema = closedObject({
  $schema: z.string().optional().meta({ description: "For editors; ignored." }),
  lanes: lanesOf(laneSchema)
    .prefault({})
    .transform(withDefault)
    .meta({ description: "The lanes that are deployed, by name, in order of matching." }),
  secrets: secretsSchema.optional(),
  total: totalSchema
    .optional()
    .meta({ description: "What all lanes together may do, beside each lane's own limits." }),
}).meta({
  title: "senpu configuration",
  description: "Lanes as they are deployed, and as runs on this machine begin with them.",
});

/** `default` is always there, and last. */
function withDefault(lanes: readonly LaneConfig[]): readonly LaneConfig[] {
  const rest = lanes.find(({ name }) => name === DEFAULT_LANE);
  return [
    ...lanes.filter(({ name }) => name !== DEFAULT_LANE),
    rest ?? { name: DEFAULT_LANE, ...laneSchema.parse({}) },
  ];
}

/** What concerns more than one field of the configuration. */
export function checkLanes(lanes: readonly LaneConfig[]): Issue[] {
  const issues: Issue[] = [];
  if (lanes.length > MAX_LANES) {
    issues.push({
      path: ["lanes"],
      text: `${lanes.length} lanes with default are more than one filter policy of SNS can name; at most ${MAX_LANES}`,
    });
  }
  const before: Place[] = [];
  for (const lane of lanes) {
    const fault = matchFault(lane, false);
    if (fault !== undefined) issues.push({ path: ["lanes", lane.name, "match"], text: fault });
    const places = placesOf(lane);
    for (const { glob, path } of places) {
      const wider = before.find((earlier) => earlier.covers(glob));
      if (wider === undefined) continue;
      const text =
        wider.glob === glob
          ? `${JSON.stringify(glob)} is lane ${wider.lane}'s already, and the first lane takes the call`
          : `${JSON.stringify(glob)} takes no call, as lane ${wider.lane} before it takes all of ${JSON.stringify(wider.glob)}`;
      issues.push({ path, text, also: wider.path });
    }
    before.push(...places);
  }
  return issues;
}

interface Place {
  readonly lane: string;
  readonly glob: string;
  readonly path: readonly (string | number)[];
  readonly covers: (glob: string) => boolean;
}

function placesOf({ name, match }: LaneConfig): Place[] {
  return match.map((glob, index) => ({
    lane: name,
    glob,
    path: ["lanes", name, "match", ...(match.length > 1 ? [index] : [])],
    covers: compileCoverage(glob),
  }));
}

/** The JSON Schema of `senpu.config.yaml`, for editors. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" });
}
