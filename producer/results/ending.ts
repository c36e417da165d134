const ENDINGS: Readonly<Record<string, string>> = {
  "application/json": ".json",
  "application/pdf": ".pdf",
  "application/xml": ".xml",
  "application/zip": ".zip",
  "image/gif": ".gif",
  "image/jpeg": ".jpg",
  "image/png": ".png",
  "image/svg+xml": ".svg",
  "image/webp": ".webp",
  "text/css": ".css",
  "text/csv": ".csv",
  "text/html": ".html",
  "text/plain": ".txt",
  "text/xml": ".xml",
};

/** What the name of a file of this media type ends in; `.bin` for one that is not known. */
export function endingOf(type: string): string {
  if (Object.hasOwn(ENDINGS, type)) return ENDINGS[type]!;
  if (type.endsWith("+json")) return ".json";
  return type.endsWith("+xml") ? ".xml" : ".bin";
}
