import picomatch from "picomatch";
import { DEFAULT_LANE, type Lane } from "../../shared/model/lane.ts";

/**
 * The lane of a URL: the first with a glob that matches; `default` takes the rest.
 * `*` stays within a part of the path or the host, `**` spans parts. A glob is held against the URL without its
 * query, and against all of it. A glob that is an origin alone covers everything under it.
 */
export function compileLanes(lanes: readonly Lane[]): (url: string) => string {
  const patterns = lanes.flatMap((lane) =>
    lane.match.map((glob) => ({
      name: lane.name,
      regex: picomatch.makeRe(spanOrigin(glob), { dot: true, nonegate: true, strictSlashes: true }),
    })),
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

function spanOrigin(glob: string): string {
  const [, rest = ""] = glob.split("://");
  return rest === "" || rest.includes("/") || rest.endsWith("**") ? glob : `${glob}/**`;
}
