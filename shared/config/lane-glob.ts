import picomatch from "picomatch";

/**
 * A lane's glob over URLs, held against a URL without its query, and against all of it. `*` stays within a part of the
 * path or the host, `**` spans parts. A glob that is an origin alone covers everything under it.
 */
export function compileGlob(glob: string): RegExp {
  return picomatch.makeRe(spanOrigin(glob), { dot: true, nonegate: true, strictSlashes: true });
}

/** Globs of letters, `*` and `**` as whole parts can be compared; others only when they are the same text. */
const COMPARABLE = /^[^?[\]{}()!+@|\\]*$/;
/** A letter that no glob holds, for which only a wildcard can have stood. */
const ANYTHING = "\u{f0000}";

/** Whether every URL that another glob matches surely matches this one too; false where that is not sure. */
export function compileCoverage(glob: string): (other: string) => boolean {
  const wide = spanOrigin(glob);
  const matcher = compileGlob(wide);
  // As many parts as it cannot spell out one by one.
  const many = wide.split("/").length + 1;
  return (other) => {
    const narrow = spanOrigin(other);
    if (wide === narrow) return true;
    if (!COMPARABLE.test(narrow)) return false;
    return [0, 1, 2, many].every((parts) => matcher.test(sampleOf(narrow, parts)));
  };
}

/** A URL that the glob matches, with so many parts for each `**`. */
function sampleOf(glob: string, parts: number): string {
  return glob
    .split("/")
    .flatMap((part, index, all) => {
      if (part !== "**") return part.replaceAll(/\*+/g, () => ANYTHING);
      // The slash before the last part stands, whatever follows.
      if (parts === 0 && index === all.length - 1) return "";
      return Array<string>(parts).fill(ANYTHING);
    })
    .join("/");
}

function spanOrigin(glob: string): string {
  const [, rest = ""] = glob.split("://");
  return rest === "" || rest.includes("/") || rest.endsWith("**") ? glob : `${glob}/**`;
}
