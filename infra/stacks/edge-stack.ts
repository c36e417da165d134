import { Stack } from "aws-cdk-lib";
import type { StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { Alarms } from "../constructs/alarms.ts";
import { Registration } from "../constructs/edge/registration.ts";
import { WebAcl } from "../constructs/edge/web-acl.ts";
import type { Environment } from "../environments/environment.ts";
import { deploymentPrefix } from "./names.ts";

export interface EdgeProps extends StackProps {
  readonly environment: Environment;
}

/** Who comes in to the website, maintenance (L3), and the registration of developers' addresses (L4). In us-east-1. */
export class EdgeStack extends Stack {
  readonly webAclArn: string;

  constructor(scope: Construct, id: string, props: EdgeProps) {
    super(scope, id, props);
    const { environment } = props;
    const prefix = deploymentPrefix(environment);
    const { acl, registered } = new WebAcl(this, "web-acl", { prefix, settings: environment.edge });
    this.webAclArn = acl.attrArn;
    const registration = new Registration(this, "registration", {
      prefix,
      environment,
      sets: registered,
    });
    const alarms = new Alarms(this, "alarms", { email: environment.alarms.email });
    alarms.onFailures(registration.function, "registration");
  }
}
