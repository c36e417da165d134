import { expect, test } from "vitest";
import { checkWaf } from "../../../infra/checks/waf.ts";
import type { Template } from "../../../infra/checks/template.ts";

/** A broken example of each mistake, and the same one mended. */
function withAcl(acl: object, resources: object = {}): Template {
  return {
    Resources: {
      ...resources,
      acl: {
        Type: "AWS::WAFv2::WebACL",
        Properties: { Scope: "CLOUDFRONT", DefaultAction: { Allow: {} }, ...acl },
      },
    },
  };
}

function withSet(version: string, addresses: unknown): Template {
  const Properties = { Scope: "CLOUDFRONT", IPAddressVersion: version, Addresses: addresses };
  return { Resources: { set: { Type: "AWS::WAFv2::IPSet", Properties } } };
}

const everyone = { ByteMatchStatement: { SearchString: "/" } };
const rule = (more: object): object => ({ Name: "r", Priority: 0, Statement: everyone, ...more });
const blockWith = (key: string): object => ({
  Block: { CustomResponse: { ResponseCode: 503, CustomResponseBodyKey: key } },
});

test("an IPv6 address in an IPv4 set is found, and the other way round", () => {
  expect(checkWaf(withSet("IPV4", ["192.0.2.0/24", "2001:db8::/48"]))).toEqual([
    "set: 2001:db8::/48 in a set of IPv4 addresses",
  ]);
  expect(checkWaf(withSet("IPV6", ["2001:db8::/48", "192.0.2.0/24"]))).toEqual([
    "set: 192.0.2.0/24 in a set of IPv6 addresses",
  ]);
  expect(checkWaf(withSet("IPV6", { Ref: "ranges" }))).toEqual([]);
});

test("a range of all addresses, or none, is found", () => {
  expect(checkWaf(withSet("IPV4", ["0.0.0.0/0"]))).toEqual([
    "set: 0.0.0.0/0 needs a prefix of /1 or longer",
  ]);
  expect(checkWaf(withSet("IPV4", ["192.0.2.1"]))).toHaveLength(1);
});

test("a response whose body is not there is found, in a condition's branch and in the default action too", () => {
  const conditional = { "Fn::If": ["on", blockWith("page"), { Count: {} }] };
  const Rules = [rule({ Action: conditional })];
  const bodies = { CustomResponseBodies: { page: { ContentType: "TEXT_HTML", Content: "" } } };
  expect(checkWaf(withAcl({ Rules }))).toEqual([
    "acl: a response has the body page, which is not there",
  ]);
  expect(checkWaf(withAcl({ Rules, ...bodies }))).toEqual([]);
  expect(checkWaf(withAcl({ DefaultAction: blockWith("other"), ...bodies }))).toHaveLength(1);
});

test("a body of more than 4 KB is found", () => {
  const body = (Content: string): Template =>
    withAcl({ CustomResponseBodies: { page: { ContentType: "TEXT_HTML", Content } } });
  // Counted in bytes, of which these characters have three.
  expect(checkWaf(body("メ".repeat(1_365)))).toEqual([]);
  expect(checkWaf(body("メ".repeat(1_366)))).toEqual([
    "acl: the body page has 4098 bytes; at most 4096",
  ]);
});

test("a rule without an action is found, and a rule group with one", () => {
  expect(checkWaf(withAcl({ Rules: [rule({})] }))).toEqual(["acl: rule r has no Action"]);
  expect(checkWaf(withAcl({ Rules: [rule({ Action: {} })] }))).toHaveLength(1);
  expect(checkWaf(withAcl({ Rules: [rule({ Action: { Allow: {} } })] }))).toEqual([]);
  const group = { Statement: { ManagedRuleGroupStatement: { VendorName: "AWS", Name: "g" } } };
  expect(checkWaf(withAcl({ Rules: [rule({ ...group, Action: { Block: {} } })] }))).toEqual([
    "acl: rule group r has no OverrideAction",
    "acl: rule group r has Action where OverrideAction belongs",
  ]);
  expect(checkWaf(withAcl({ Rules: [rule({ ...group, OverrideAction: { None: {} } })] }))).toEqual(
    [],
  );
});

test("two rules of one priority are found", () => {
  const Rules = [
    rule({ Action: { Allow: {} } }),
    { ...rule({ Action: { Allow: {} } }), Name: "s" },
  ];
  expect(checkWaf(withAcl({ Rules }))).toEqual(["acl: rules r and s both have priority 0"]);
});

test.each([
  ["in the same template", { "Fn::GetAtt": ["set", "Arn"] }, "set"],
  [
    "by its ARN",
    "arn:aws:wafv2:us-east-1:000000000000:regional/ipset/x/1",
    "arn:aws:wafv2:us-east-1:000000000000:regional/ipset/x/1",
  ],
])("a regional set in CloudFront's ACL is found, %s", (_where, Arn, name) => {
  const set = (Scope: string): object => ({
    set: { Type: "AWS::WAFv2::IPSet", Properties: { Scope, IPAddressVersion: "IPV4" } },
  });
  const Statement = { OrStatement: { Statements: [{ IPSetReferenceStatement: { Arn } }] } };
  const Rules = [rule({ Statement, Action: { Allow: {} } })];
  expect(checkWaf(withAcl({ Rules }, set("REGIONAL")))).toEqual([
    `acl: of scope CLOUDFRONT, refers to ${name}, which is REGIONAL`,
  ]);
  if (typeof Arn !== "string") expect(checkWaf(withAcl({ Rules }, set("CLOUDFRONT")))).toEqual([]);
});
