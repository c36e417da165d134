import { GetIPSetCommand, UpdateIPSetCommand } from "@aws-sdk/client-wafv2";
import type { Scope, WAFV2Client } from "@aws-sdk/client-wafv2";
import { canonicalCidr } from "./network.ts";
import { waitForLock } from "./wait-for-lock.ts";

/** Addresses in one set. Source: AWS WAF developer guide, "AWS WAF quotas". */
export const MAX_ADDRESSES = 10_000;

/** Within the function's time, whatever else it does. */
const PATIENCE_MS = 15_000;

/** One of the sets whose addresses a function keeps. */
export class AddressSet {
  readonly #client: WAFV2Client;
  readonly #id: { readonly Name: string; readonly Id: string; readonly Scope: Scope };

  /** `reference`: what CloudFormation's `Ref` gives for a set, `name|id|scope`. */
  constructor(client: WAFV2Client, reference: string) {
    const [name = "", id = "", scope = ""] = reference.split("|");
    this.#client = client;
    this.#id = { Name: name, Id: id, Scope: scope as Scope };
  }

  /**
   * Makes the set hold what `decide` says, which is asked after the lock token has been taken, and again whenever another
   * was faster: what others have stored by then is in its answer, so that of two registrations at once both stay (L4).
   * Writes nothing where nothing changes.
   */
  async keep(decide: () => Promise<readonly string[]>): Promise<void> {
    await waitForLock(async () => {
      const { IPSet, LockToken } = await this.#client.send(new GetIPSetCommand(this.#id));
      const wanted = new Set(await decide());
      const present = new Set((IPSet?.Addresses ?? []).map(canonicalCidr));
      if (wanted.size === present.size && [...wanted].every((cidr) => present.has(cidr))) return;
      await this.#client.send(
        new UpdateIPSetCommand({
          ...this.#id,
          ...(IPSet?.Description === undefined ? {} : { Description: IPSet.Description }),
          Addresses: [...wanted],
          LockToken,
        }),
      );
    }, PATIENCE_MS);
  }
}
