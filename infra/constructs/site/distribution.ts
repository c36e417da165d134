import { Duration, Validations } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import {
  AccessLevel,
  AllowedMethods,
  CachePolicy,
  Distribution,
  HttpVersion,
  S3OriginAccessControl,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import type { DistributionProps, ErrorResponse } from "aws-cdk-lib/aws-cloudfront";
import { S3BucketOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { Construct } from "constructs";
import type { SiteSettings } from "../../environments/environment.ts";
import { acknowledge } from "../acknowledge.ts";
import { FORBIDDEN_PAGE, INDEX_PAGE, NOT_FOUND_PAGE } from "./paths.ts";
import { securityHeaders } from "./security-headers.ts";
import type { SiteBuckets } from "./site-buckets.ts";

export interface SiteDistributionProps {
  readonly prefix: string;
  readonly settings: SiteSettings;
  readonly webAclArn: string;
  readonly buckets: SiteBuckets;
}

/**
 * CloudFront before the bucket, dual-stack for whoever looks (L5).
 *
 * The way from CloudFront to S3 is left to CloudFront. It offers the choice of IPv4 or IPv6 for custom origins, and
 * excludes S3 (CloudFront developer guide, "Enable IPv6 for CloudFront distributions", IPv6 origin requests). The bucket's
 * dual-stack name could be put there by an override or as a custom origin, but that origin access control signs for that
 * name is nowhere documented, and without it the bucket would have to be opened. Nothing is lost: a viewer's connection
 * ends at the edge, what follows is AWS's own network, and nothing on it looks at the viewer's address: the bucket's
 * policy knows CloudFront by its signature and by this distribution's ARN, AWS WAF looks at the edge.
 */
export class SiteDistribution extends Construct {
  readonly distribution: Distribution;

  constructor(scope: Construct, id: string, props: SiteDistributionProps) {
    super(scope, id);
    const { prefix, settings, webAclArn, buckets } = props;
    const name = `${prefix}-site`;
    this.distribution = new Distribution(this, "distribution", {
      ...this.#named(settings.domain),
      enableIpv6: true,
      httpVersion: HttpVersion.HTTP2_AND_3,
      webAclId: webAclArn,
      defaultRootObject: INDEX_PAGE,
      defaultBehavior: {
        // Who may list is told that something is missing; who may not is told that it is forbidden. No path lists: that of
        // the root is the index page's.
        origin: S3BucketOrigin.withOriginAccessControl(buckets.content, {
          originAccessLevels: [AccessLevel.READ, AccessLevel.LIST],
          originAccessControl: new S3OriginAccessControl(this, "signature", {
            originAccessControlName: name,
          }),
        }),
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        cachePolicy: CachePolicy.CACHING_OPTIMIZED,
        responseHeadersPolicy: securityHeaders(this, name),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        compress: true,
      },
      // None for 503 and 429: AWS WAF answers those with bodies of its own.
      errorResponses: [errorPage(403, FORBIDDEN_PAGE), errorPage(404, NOT_FOUND_PAGE)],
      logBucket: buckets.logs,
      logIncludesCookies: false,
    });
    Validations.of(this.distribution).acknowledge({
      id: "Annotation::@aws-cdk/aws-cloudfront-origins:listBucketSecurityRisk",
      reason: "the root object is specified",
    });
    acknowledge(this.distribution, {
      "AwsSolutions-CFR1": "who may come in is a matter of addresses, which AWS WAF looks at",
      ...(settings.domain === null
        ? {
            "AwsSolutions-CFR4":
              "CloudFront's own domain comes with its own lowest version of TLS; a domain of one's own has TLS 1.2",
          }
        : {}),
    });
  }

  #named(domain: SiteSettings["domain"]): Partial<DistributionProps> {
    if (domain === null) return {};
    return {
      domainNames: [domain.name],
      certificate: Certificate.fromCertificateArn(this, "certificate", domain.certificateArn),
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2025,
    };
  }
}

function errorPage(httpStatus: number, page: string): ErrorResponse {
  return {
    httpStatus,
    responseHttpStatus: httpStatus,
    responsePagePath: `/${page}`,
    // A report that is missing may be published in the next minute.
    ttl: Duration.seconds(10),
  };
}
