import { GetWebACLCommand, ListWebACLsCommand, UpdateWebACLCommand } from "@aws-sdk/client-wafv2";
import type { Rule, WAFV2Client, WebACL } from "@aws-sdk/client-wafv2";
import { SenpuError } from "../../shared/errors.ts";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";
import { EDGE_SCOPE, MAINTENANCE_RULE } from "../edge/names.ts";
import { waitForLock } from "../edge/wait-for-lock.ts";
import { maintenanceAction } from "./action.ts";
import type { Switch } from "./action.ts";

const PATIENCE_MS = 20_000;

/** The web ACL of a deployment, of which this knows the maintenance rule. */
export class MaintainedAcl {
  readonly #client: WAFV2Client;
  readonly #name: string;
  #id: string | undefined;

  constructor(client: WAFV2Client, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /** What is in force. Throws {@link SenpuError} `aws`. */
  async position(): Promise<Switch> {
    const { acl } = await this.#read();
    return this.#ruleOf(acl).Action?.Block === undefined ? "off" : "on";
  }

  /** In force within about a minute, everywhere. Throws {@link SenpuError} `aws`. */
  async set(position: Switch): Promise<void> {
    try {
      await waitForLock(async () => {
        const { acl, lockToken } = await this.#read();
        const rule = this.#ruleOf(acl);
        const Rules = acl.Rules?.map((one) =>
          one === rule ? { ...one, Action: maintenanceAction(position) } : one,
        );
        // Everything else stays as it was read: what is not named here would be taken away.
        const command = new UpdateWebACLCommand({
          ...acl,
          Scope: EDGE_SCOPE,
          Rules,
          LockToken: lockToken,
        });
        await this.#client.send(command);
      }, PATIENCE_MS);
    } catch (error) {
      throw explainRefusal(error, `switching maintenance ${position} in web ACL ${this.#name}`);
    }
  }

  #ruleOf({ Rules = [] }: WebACL): Rule {
    const rule = Rules.find(({ Name }) => Name === MAINTENANCE_RULE);
    if (rule !== undefined) return rule;
    throw new SenpuError(
      "aws",
      `web ACL ${this.#name} has no rule ${MAINTENANCE_RULE}: was it deployed by another version? Deploy the edge stack first`,
    );
  }

  async #read(): Promise<{ readonly acl: WebACL; readonly lockToken: string | undefined }> {
    try {
      this.#id ??= await this.#find();
      const { WebACL: acl, LockToken: lockToken } = await this.#client.send(
        new GetWebACLCommand({ Name: this.#name, Id: this.#id, Scope: EDGE_SCOPE }),
      );
      if (acl !== undefined) return { acl, lockToken };
    } catch (error) {
      throw explainRefusal(error, `reading web ACL ${this.#name}`);
    }
    throw this.#missing();
  }

  async #find(): Promise<string> {
    let marker: string | undefined;
    do {
      const page = await this.#client.send(
        new ListWebACLsCommand({
          Scope: EDGE_SCOPE,
          Limit: 100,
          ...(marker === undefined ? {} : { NextMarker: marker }),
        }),
      );
      const found = page.WebACLs?.find(({ Name }) => Name === this.#name);
      if (found?.Id !== undefined) return found.Id;
      marker = page.NextMarker;
    } while (marker !== undefined);
    throw this.#missing();
  }

  #missing(): SenpuError {
    return new SenpuError("aws", `there is no web ACL ${this.#name}: is the edge stack deployed?`);
  }
}
