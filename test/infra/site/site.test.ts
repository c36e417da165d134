import { App, Stack, Validations } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { AwsSolutionsChecks, ServerlessChecks } from "cdk-nag";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebAcl } from "../../../infra/constructs/edge/web-acl.ts";
import type { SiteSettings } from "../../../infra/environments/environment.ts";
import { ENVIRONMENTS } from "../../../infra/environments/index.ts";
import { SiteStack } from "../../../infra/stacks/site-stack.ts";

const { context } = JSON.parse(
  readFileSync(new URL("../../../cdk.json", import.meta.url), "utf8"),
) as { context: object };
const NAMED: SiteSettings = {
  domain: {
    name: "reports.example.com",
    certificateArn: "arn:aws:acm:us-east-1:000000000000:certificate/x",
  },
  keepReportsDays: 30,
};

/** By the web ACL of a stack in another region, as in a deployment. CDK's validation and cdk-nag throw for what they find. */
function declare(settings: SiteSettings, environment = ENVIRONMENTS[0]!): Template {
  const app = new App({ context, outdir: join(folder, settings.domain?.name ?? "unnamed") });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  const edge = new Stack(app, "edge", { env: { region: "us-east-1" } });
  const { acl } = new WebAcl(edge, "web-acl", {
    prefix: "senpu-test",
    settings: environment.edge,
  });
  const site = new SiteStack(app, "site", {
    environment,
    settings,
    webAclArn: acl.attrArn,
    env: { region: "ap-northeast-1" },
    crossRegionReferences: true,
  });
  app.synth();
  return Template.fromStack(site);
}

const folder = mkdtempSync(join(tmpdir(), "senpu-site-"));
let site: Template;
beforeAll(() => {
  site = declare({ domain: null, keepReportsDays: 30 });
}, 150_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function distribution(more: object): object {
  return { DistributionConfig: Match.objectLike(more) };
}

test("L5: viewers come by IPv4 and IPv6, and nothing behind the edge looks at the address they came from", () => {
  site.hasResourceProperties("AWS::CloudFront::Distribution", distribution({ IPV6Enabled: true }));
  const policies = site.findResources("AWS::S3::BucketPolicy");
  expect(Object.keys(policies).length).toBeGreaterThan(0);
  // A condition on addresses would have to name CloudFront's, of one family or the other.
  expect(JSON.stringify(policies)).not.toMatch(/aws:(Source|VpcSource)Ip/i);
});

test("the bucket is closed to everyone but this distribution, which signs its requests", () => {
  site.allResourcesProperties("AWS::S3::Bucket", {
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
    BucketEncryption: Match.anyValue(),
  });
  site.hasResourceProperties("AWS::CloudFront::OriginAccessControl", {
    OriginAccessControlConfig: {
      OriginAccessControlOriginType: "s3",
      SigningBehavior: "always",
      SigningProtocol: "sigv4",
    },
  });
  const [allowed, ...others] = Object.values(site.findResources("AWS::S3::BucketPolicy")).flatMap(
    (policy) =>
      (
        policy as {
          Properties: { PolicyDocument: { Statement: { Effect: string }[] } };
        }
      ).Properties.PolicyDocument.Statement.filter(({ Effect }) => Effect === "Allow"),
  );
  expect(others).toEqual([]);
  expect(allowed).toMatchObject({
    Principal: { Service: "cloudfront.amazonaws.com" },
    Condition: { StringEquals: { "AWS:SourceArn": expect.anything() as unknown } },
  });
});

test("it speaks HTTP/2 and 3, sends everyone to HTTPS, and writes down who read what", () => {
  site.hasResourceProperties(
    "AWS::CloudFront::Distribution",
    distribution({
      HttpVersion: "http2and3",
      Logging: Match.anyValue(),
      DefaultCacheBehavior: Match.objectLike({
        ViewerProtocolPolicy: "redirect-to-https",
        AllowedMethods: ["GET", "HEAD"],
        ResponseHeadersPolicyId: Match.anyValue(),
      }),
    }),
  );
});

test("a report may run its own script and style, and can neither load nor send anything", () => {
  site.hasResourceProperties("AWS::CloudFront::ResponseHeadersPolicy", {
    ResponseHeadersPolicyConfig: {
      SecurityHeadersConfig: {
        ContentSecurityPolicy: {
          ContentSecurityPolicy: Match.stringLikeRegexp(
            "^default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; ",
          ),
        },
        ContentTypeOptions: { Override: true },
        FrameOptions: { FrameOption: "DENY" },
        ReferrerPolicy: { ReferrerPolicy: "no-referrer" },
        StrictTransportSecurity: { AccessControlMaxAgeSec: 31_536_000 },
      },
    },
  });
});

test("who is kept out, and what is missing, have pages; AWS WAF's 503 and 429 are left as they are (L3)", () => {
  site.hasResourceProperties("AWS::CloudFront::Distribution", {
    DistributionConfig: {
      CustomErrorResponses: [
        Match.objectLike({ ErrorCode: 403, ResponsePagePath: "/pages/403.html" }),
        Match.objectLike({ ErrorCode: 404, ResponsePagePath: "/pages/404.html" }),
      ],
    },
  });
  // Those pages are put there by a role that may write them and no other object.
  const allowed = JSON.stringify(site.findResources("AWS::IAM::Policy"));
  for (const page of ["index.html", "pages/403.html", "pages/404.html"]) {
    expect(allowed).toContain(`/${page}"`);
  }
  expect(allowed).not.toMatch(/\/\*"|"s3:(?!PutObject")/);
});

test("reports are forgotten after the days of their environment, the site's own pages are not", () => {
  site.hasResourceProperties("AWS::S3::Bucket", {
    LifecycleConfiguration: {
      Rules: Match.arrayWith([Match.objectLike({ Prefix: "reports/", ExpirationInDays: 30 })]),
    },
  });
});

test("the web ACL of another region needs no function to be known here", () => {
  site.hasResourceProperties(
    "AWS::CloudFront::Distribution",
    distribution({ WebACLId: { "Fn::GetStackOutput": Match.objectLike({ Region: "us-east-1" }) } }),
  );
  expect(Object.keys(site.findResources("Custom::CrossRegionExportReader"))).toEqual([]);
});

test("a domain of one's own brings its certificate, and TLS 1.2 at least", () => {
  declare(NAMED, ENVIRONMENTS[1]).hasResourceProperties(
    "AWS::CloudFront::Distribution",
    distribution({
      Aliases: ["reports.example.com"],
      ViewerCertificate: {
        AcmCertificateArn: NAMED.domain?.certificateArn,
        MinimumProtocolVersion: "TLSv1.2_2025",
        SslSupportMethod: "sni-only",
      },
    }),
  );
});
