/**
 * Text as the value of a message attribute; empty if nothing of it can be one, and then it must be left out.
 * SQS refuses control characters, lone surrogates and empty values. Source: SQS API reference, SendMessage.
 */
export function toAttributeText(text: string, maxChars = Infinity): string {
  return text
    .slice(0, maxChars)
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, " ")
    .trim();
}
