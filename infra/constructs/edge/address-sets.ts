import { CfnIPSet } from "aws-cdk-lib/aws-wafv2";
import type { CfnWebACL } from "aws-cdk-lib/aws-wafv2";
import { Construct } from "constructs";
import { EDGE_SCOPE, addressSetName } from "../../edge/names.ts";
import type { AddressRanges } from "../../environments/environment.ts";

export interface AddressSetsProps {
  readonly prefix: string;
  /** Part of the sets' names. */
  readonly whose: string;
  readonly description: string;
  /**
   * Absent: a function fills the sets while they are deployed. The template then says "empty" for ever, and
   * CloudFormation, which updates a resource only when its part of the template changes, leaves their addresses alone.
   * A changed description or tag is such a change, and would empty them until the function's next run, within the hour.
   */
  readonly ranges?: AddressRanges;
}

/** Addresses of one kind of people: a set for each family, because AWS WAF keeps no set of both (L4). */
export class AddressSets extends Construct {
  readonly ipv4: CfnIPSet;
  readonly ipv6: CfnIPSet;

  constructor(scope: Construct, id: string, props: AddressSetsProps) {
    super(scope, id);
    const { prefix, whose, description, ranges } = props;
    const shared = { scope: EDGE_SCOPE, description };
    this.ipv4 = new CfnIPSet(this, "ipv4", {
      ...shared,
      name: addressSetName(prefix, whose, "ipv4"),
      ipAddressVersion: "IPV4",
      addresses: [...(ranges?.ipv4 ?? [])],
    });
    this.ipv6 = new CfnIPSet(this, "ipv6", {
      ...shared,
      name: addressSetName(prefix, whose, "ipv6"),
      ipAddressVersion: "IPV6",
      addresses: [...(ranges?.ipv6 ?? [])],
    });
  }
}

/** Whoever comes from an address in one of the sets, by either family. */
export function comesFrom(sets: readonly AddressSets[]): CfnWebACL.StatementProperty {
  return {
    orStatement: {
      statements: sets
        .flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6])
        .map(({ attrArn }) => ({ ipSetReferenceStatement: { arn: attrArn } })),
    },
  };
}
