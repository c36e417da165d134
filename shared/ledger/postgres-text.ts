/**
 * PostgreSQL holds every text but those with a NUL in them, which would fail a whole batch each time it comes; a lone
 * half of a surrogate pair becomes the same sign on its way there.
 */
export function storable(text: string): string {
  return (text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text).toWellFormed();
}

export function storableOrNull(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : storable(text);
}
