/** What `JSON.parse` does not tell about a text. */

/**
 * The offset at which a broken JSON text can no longer become a right one; its end, when it only stops too early.
 * V8 names no position for some errors, so the longest good beginning is searched for.
 */
export function findJsonError(text: string): number {
  let good = 0;
  let bad = text.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isGoodBeginning(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

function isGoodBeginning(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as Error;
    if (/end of JSON input|Unterminated string/.test(message)) return true;
    return Number(/at position (\d+)/.exec(message)?.[1] ?? -1) >= text.length;
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/** The first key that an object of a right JSON text has twice, quoted; `JSON.parse` would keep the last in silence. */
export function findDuplicateKey(text: string): { key: string; offset: number } | undefined {
  const open: (Set<string> | undefined)[] = [];
  let mayBeKey = false;
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    const keys = open.at(-1);
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (mayBeKey && keys !== undefined && token.startsWith('"')) {
      if (keys.has(token)) return { key: token, offset: match.index };
      keys.add(token);
    }
    mayBeKey = token === "{" || token === ",";
  }
  return undefined;
}
