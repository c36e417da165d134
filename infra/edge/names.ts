/** Names by which the edge stack, the function in it and the commands find the same things. */

/** CloudFront looks for its web ACL here, whatever the region of the rest. Source: AWS WAF developer guide. */
export const EDGE_REGION = "us-east-1";

export const EDGE_SCOPE = "CLOUDFRONT";

/** The stack's parameter: `on` or `off`. A deployment that does not name it keeps what it was. */
export const MAINTENANCE_PARAMETER = "Maintenance";

/** The rule whose action the switch changes. */
export const MAINTENANCE_RULE = "maintenance";

/** The stack's output: where addresses are registered. */
export const REGISTRATION_URL_OUTPUT = "RegistrationUrl";

/** `prefix` is the deployment's: `senpu-<environment>`. */
export function edgeStackName(prefix: string): string {
  return `${prefix}-edge`;
}

export function webAclName(prefix: string): string {
  return `${prefix}-edge`;
}

/** What may be attached to whoever may register an address. */
export function allowIpPolicyName(prefix: string): string {
  return `${prefix}-allow-ip`;
}

export type AddressFamily = "ipv4" | "ipv6";

export const ADDRESS_FAMILIES: readonly AddressFamily[] = ["ipv4", "ipv6"];

export function addressSetName(prefix: string, whose: string, family: AddressFamily): string {
  return `${prefix}-${whose}-${family}`;
}
