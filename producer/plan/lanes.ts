import { compileGlob } from "../../shared/config/lane-glob.ts";
import { DEFAULT_LANE, type Lane } from "../../shared/model/lane.ts";

/** The lane of a URL: the first with a glob that matches; `default` takes the rest. */
export function compileLanes(lanes: readonly Lane[]): (url: string) => string {
  const patterns = lanes.flatMap((lane) =>
    lane.match.map((glob) => ({ name: lane.name, regex: compileGlob(glob) })),
  );
  if (patterns.length === 0) return () => DEFAULT_LANE;
  return (url) => {
    const query = url.indexOf("?");
    const path = query === -1 ? url : url.slice(0, query);
    const found = patterns.find(
      ({ regex }) => regex.test(path) || (query !== -1 && regex.test(url)),
    );
    return found?.name ?? DEFAULT_LANE;
  };
}
