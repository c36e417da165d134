/**
 * What a report does not tell, though the ledger knows it: reports are handed on. A URL's user information, and values
 * of its query and fragment whose names say that they are credentials, become `***`. References (`${env:TOKEN}`) stay:
 * they are names. A credential in a URL's path, or one that a server repeats in its answer, cannot be known for one.
 */

const PARAMETER = /([?&#;])([^=&#;?\s]{1,200})=([^&#\s"'<>]*)/g;
const USER_INFORMATION = /([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#@]*(?:@[^\s/?#@]*)*@/gi;
const REFERENCES = /^(?:\$\{(?:env|secret):[^}]*\})+$/;
const CREDENTIALS: ReadonlySet<string> = new Set([
  "appid",
  "auth",
  "authorization",
  "bearer",
  "credential",
  "credentials",
  "jwt",
  "keys",
  "otp",
  "pass",
  "passphrase",
  "passwd",
  "pwd",
  "session",
  "sessionid",
  "sid",
  "sig",
  "tokens",
]);
const ENDS_AS_CREDENTIAL = /(?:key|token|secret|password|signature)$/;
const WORDS = /[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g;

/** A URL, or a text that may hold some. */
export function mask(text: string): string {
  return text
    .replace(USER_INFORMATION, "$1***@")
    .replace(PARAMETER, (whole, before: string, name: string, value: string) =>
      value === "" || REFERENCES.test(value) || !isCredential(name)
        ? whole
        : `${before}${name}=***`,
    );
}

function isCredential(name: string): boolean {
  const words = decode(name).match(WORDS) ?? [];
  return words.some((word) => {
    const plain = word.toLowerCase();
    return CREDENTIALS.has(plain) || ENDS_AS_CREDENTIAL.test(plain);
  });
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
