import { GetTemplateCommand } from "@aws-sdk/client-cloudformation";
import type { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { SenpuError } from "../../shared/errors.ts";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";
import type { Template } from "../checks/template.ts";

/** The template of a stack that is there, as it was handed in. Throws {@link SenpuError} `aws`. */
export async function readDeployedTemplate(
  client: CloudFormationClient,
  stackName: string,
): Promise<Template> {
  const doing = `reading the template of stack ${stackName}`;
  let body: string | undefined;
  try {
    const command = new GetTemplateCommand({ StackName: stackName, TemplateStage: "Original" });
    body = (await client.send(command)).TemplateBody;
  } catch (error) {
    throw explainRefusal(error, doing);
  }
  try {
    return JSON.parse(body ?? "") as Template;
  } catch (cause) {
    throw new SenpuError("aws", `${doing}: it is not JSON; was it deployed by something else?`, {
      cause,
    });
  }
}
