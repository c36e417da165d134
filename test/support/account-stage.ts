import { afterAll, afterEach, beforeAll, beforeEach, vi } from "vitest";
import { Clients } from "../../infra/aws/clients.ts";
import { startFakeAccount } from "./fake-account.ts";
import type { FakeAccount } from "./fake-account.ts";

export const HOME = "ap-northeast-1";

export interface AccountStage {
  /** Of the test that runs. */
  readonly account: FakeAccount;
  /** Of that account, by this process's environment. */
  readonly clients: Clients;
}

/** For the tests of a file: an account each, which the SDK finds by this process's environment. To be called at the top. */
export function useFakeAccount(): AccountStage {
  let current: { account: FakeAccount; clients: Clients };
  beforeAll(() => {
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    vi.stubEnv("AWS_ACCESS_KEY_ID", "senpu");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "senpu");
    vi.stubEnv("AWS_REGION", HOME);
  });
  beforeEach(async () => {
    const account = await startFakeAccount();
    vi.stubEnv("AWS_ENDPOINT_URL", account.url);
    current = { account, clients: new Clients() };
  });
  afterEach(async () => {
    current.clients.destroy();
    await current.account.close();
  });
  afterAll(() => vi.unstubAllEnvs());
  return {
    get account() {
      return current.account;
    },
    get clients() {
      return current.clients;
    },
  };
}

/** The CDK's own stack, where an environment's stacks go. */
export function setUpCdk(account: FakeAccount): void {
  for (const region of ["us-east-1", HOME]) {
    account.addStack(`${region}/CDKToolkit`, "CREATE_COMPLETE", {}, { BootstrapVersion: "30" });
  }
}
