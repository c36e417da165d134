import { stripVTControlCharacters } from "node:util";

/** Text that fits a line of a terminal, whatever it was before. Pure. */

/** Where the width is not known: what most terminals and logs show. */
export const DEFAULT_COLUMNS = 80;

/** Han, kana, hangul, full-width forms and emoji take two columns. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]/u;
/** Most text, and one column a character. */
const ASCII = /^[ -~]*$/;
/** Controls, line separators, and the marks that turn the direction of text. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu;
/** What a reader sees as one character, however many code points it takes. */
const CHARACTERS = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * One line without anything that a terminal would obey: for text that comes from an API or a plan,
 * which must not be able to move the cursor, change colours or break a table.
 */
export function plainLine(text: string): string {
  return stripVTControlCharacters(text).replace(UNSAFE, " ").trim();
}

/** Columns that the text takes; escape sequences take none. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  return charactersOf(stripVTControlCharacters(text)).reduce(
    (sum, each) => sum + widthOfCharacter(each),
    0,
  );
}

/** At most `width` columns; what is cut off at the end shows as `…`. For text without escape sequences. */
export function cutEnd(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return width < 1 ? "" : `${take(charactersOf(text), width - 1)}…`;
}

/** At most `width` columns; what is cut out of the middle shows as `…`: a URL keeps its host and its tail. */
export function cutMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width < 5) return cutEnd(text, width);
  const characters = charactersOf(text);
  const tailWidth = Math.floor((width - 1) / 2);
  const head = take(characters, width - 1 - tailWidth);
  const tail = take(characters.slice(tailStart(characters, tailWidth)), tailWidth);
  return `${head}…${tail}`;
}

/** Lines of at most `width` columns, broken at spaces; a longer word is cut. For text without escape sequences. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && widthOf(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  lines.push(line);
  return lines.map((each) => cutEnd(each, width));
}

function charactersOf(text: string): string[] {
  return Array.from(CHARACTERS.segment(text), ({ segment }) => segment);
}

function take(characters: readonly string[], width: number): string {
  let taken = "";
  let left = width;
  for (const character of characters) {
    left -= widthOfCharacter(character);
    if (left < 0) break;
    taken += character;
  }
  return taken;
}

/** Index of the first of the last characters that fit. */
function tailStart(characters: readonly string[], width: number): number {
  let left = width;
  let index = characters.length;
  while (index > 0) {
    left -= widthOfCharacter(characters[index - 1]!);
    if (left < 0) break;
    index--;
  }
  return index;
}

function widthOfCharacter(character: string): number {
  return WIDE.test(character) ? 2 : 1;
}
