import { SenpuError, messageOf } from "../../shared/errors.ts";
import { Stack } from "../../shared/aws/stack.ts";
import type { StackState } from "../../shared/aws/stack.ts";
import type { EdgeClients } from "../edge/clients.ts";
import { MAINTENANCE_PARAMETER, edgeStackName, webAclName } from "../edge/names.ts";
import type { Switch } from "./action.ts";
import { MaintainedAcl } from "./web-acl.ts";

/** Where the switch stands, in both places. They differ after a `--now` that could not be stored, and while one deploys. */
export interface Position {
  /** What the web ACL does. */
  readonly inForce: Switch;
  /** What the next deployment keeps. */
  readonly stored: Switch;
}

/** An update of one resource takes CloudFormation about a minute. */
const STORING_MS = 300_000;

/**
 * The maintenance switch of a deployment (L3). It stands in the web ACL, where it acts, and in the stack's parameter, which
 * every later deployment keeps.
 */
export class Maintenance {
  readonly #stack: Stack;
  readonly #stackName: string;
  readonly #acl: MaintainedAcl;

  /** `prefix`: the deployment's. */
  constructor({ waf, cloudFormation }: EdgeClients, prefix: string) {
    this.#stackName = edgeStackName(prefix);
    this.#stack = new Stack(cloudFormation, this.#stackName);
    this.#acl = new MaintainedAcl(waf, webAclName(prefix));
  }

  /** Throws {@link SenpuError} `aws` where it is not deployed, or may not be read. */
  async position(): Promise<Position> {
    const state = await this.#deployed();
    return { inForce: await this.#acl.position(), stored: storedIn(state) };
  }

  /**
   * By a deployment: `deploy` gives the parameter its value, and the web ACL follows. Where CloudFormation sees nothing to
   * do, because the parameter has that value and only the web ACL differs, it is set directly.
   */
  async deploy(position: Switch, deploy: () => Promise<void>): Promise<void> {
    if ((await this.position()).stored !== position) await deploy();
    if ((await this.#acl.position()) !== position) await this.#acl.set(position);
  }

  /**
   * At once: the web ACL first, then the parameter, by an update of the stack that leaves its template as it is deployed.
   * `onSwitched` is told in between. Throws {@link SenpuError} `aws` where the parameter could not be set: the switch is
   * in force then, and a later deployment may undo it.
   */
  async setNow(position: Switch, onSwitched: () => void): Promise<void> {
    const before = await this.position();
    if (before.inForce !== position) await this.#acl.set(position);
    onSwitched();
    if (before.stored === position) return;
    try {
      await this.#stack.setParameter(MAINTENANCE_PARAMETER, position, STORING_MS);
    } catch (error) {
      throw new SenpuError(
        "aws",
        `maintenance is ${position}, but that is not stored, and a later deployment may undo it: do the same again.\n${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  async #deployed(): Promise<StackState> {
    const state = await this.#stack.describe();
    if (state !== undefined) return state;
    throw new SenpuError("aws", `there is no stack ${this.#stackName}: deploy it first`);
  }
}

function storedIn({ parameters }: StackState): Switch {
  return parameters.get(MAINTENANCE_PARAMETER) === "on" ? "on" : "off";
}
