import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { openLedger } from "../../../shared/ledger/open.ts";
import { parsePostgresPlace } from "../../../shared/ledger/postgres-place.ts";
import { passwordOf } from "../../../shared/ledger/postgres-sign-in.ts";
import { temporaryFolder } from "../broker/embedded.ts";

const AFAR = "postgres://senpu_recorder@ledger.example.com/senpu";

afterEach(() => vi.unstubAllEnvs());

test("a database afar is signed in to by IAM, over TLS that is verified", () => {
  expect(parsePostgresPlace({ url: AFAR })).toEqual({
    host: "ledger.example.com",
    port: 5432,
    user: "senpu_recorder",
    database: "senpu",
    signIn: "iam",
    tls: { rejectUnauthorized: true, host: "ledger.example.com" },
  });
});

test("a password is taken from the URL, or from beside it, which counts more", () => {
  const url = "postgresql://me:p%40ss@ledger.example.com:6000/senpu";
  expect(parsePostgresPlace({ url })).toMatchObject({ port: 6000, signIn: { password: "p@ss" } });
  const given = parsePostgresPlace({ url, password: "other" });
  expect(given).toMatchObject({ signIn: { password: "other" } });
});

test.each(["localhost", "127.0.0.1", "[::1]"])(
  "%s is this machine: in the clear, and no IAM",
  (host) => {
    const place = parsePostgresPlace({ url: `postgres://me@${host}/senpu` });
    expect(place).toMatchObject({ tls: false, signIn: "nobody asks" });
    expect(place.host).toBe(host.replace(/[[\]]/g, ""));
  },
);

test.each([
  [
    "mysql://me:s3cret@db/senpu",
    /is no URL of a PostgreSQL database; write postgres:\/\/user@host/,
  ],
  ["db.example.com", /is no URL/],
  ["postgres://:s3cret@db/senpu", /names no user/],
  ["postgres://me:s3cret@db", /names no database/],
  ["postgres://me:s3cret@db/senpu?sslmode=disable", /settings behind \? .*TLS is verified always/],
  ["postgres://me:s3%cret@db/senpu", /has a % that begins no %XX/],
])("%s is refused, in words without the password", (url, words) => {
  let message = "";
  try {
    parsePostgresPlace({ url });
  } catch (error) {
    expect(error).toMatchObject({ code: "config" });
    message = String(error);
  }
  expect(message).toMatch(words);
  expect(message).toContain("SENPU_LEDGER_URL");
  expect(message).not.toContain("s3");
});

test.each([
  ["/nowhere/ca.pem", /SENPU_LEDGER_CA cannot be read: ENOENT/],
  [fileURLToPath(import.meta.url), /holds no certificate in PEM/],
])("certificates that are not in %s are told", (caFile, words) => {
  expect(() => parsePostgresPlace({ url: AFAR, caFile })).toThrow(words);
});

test("a token of IAM is signed for the user at the place, and good for 15 minutes", async () => {
  vi.stubEnv("AWS_REGION", "ap-northeast-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "example");
  const token = await passwordOf(parsePostgresPlace({ url: AFAR }))();
  const { host, searchParams } = new URL(`https://${token}`);
  expect(host).toBe("ledger.example.com:5432");
  expect(Object.fromEntries(searchParams)).toMatchObject({
    Action: "connect",
    DBUser: "senpu_recorder",
    "X-Amz-Expires": "900",
    "X-Amz-Credential": expect.stringContaining("/ap-northeast-1/rds-db/aws4_request") as string,
  });
});

test("without a region no token can be made, which is told", async () => {
  for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"]) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_CONFIG_FILE", "/nowhere/config");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "example");
  await expect(passwordOf(parsePostgresPlace({ url: AFAR }))()).rejects.toThrow(
    /no IAM token can be made for the ledger's user senpu_recorder at ledger\.example\.com: .*; give AWS_REGION/,
  );
});

test("without SENPU_LEDGER_URL, or with an empty one, the ledger is the file", async () => {
  vi.stubEnv("SENPU_LEDGER_URL", "");
  const ledger = await openLedger(() => `${temporaryFolder()}/ledger.db`);
  expect(await ledger.listRuns(1)).toEqual([]);
  await ledger.close();
});

test("with it, no file is asked for", async () => {
  vi.stubEnv("SENPU_LEDGER_URL", "postgres://me@127.0.0.1:1/senpu");
  const ledger = await openLedger(() => expect.unreachable());
  await ledger.close();
  await expect(ledger.listRuns(1)).rejects.toThrow(
    "PostgreSQL ledger senpu at 127.0.0.1:1: is closed",
  );
});
