/**
 * Host of a URL in lower case, with its port where the URL has one; empty where there is none.
 * Not the URL class: a URL may hold `${env:NAME}` where that allows none.
 */
export function hostOf(url: string): string {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";
  return authority.slice(authority.lastIndexOf("@") + 1).toLowerCase();
}
