import { GetQueueAttributesCommand, GetQueueUrlCommand } from "@aws-sdk/client-sqs";
import { SenpuError } from "../errors.ts";
import type { AwsClients } from "./aws-clients.ts";
import { LEDGER_QUEUE } from "./broker.ts";
import type { Topic } from "./broker.ts";
import type { Patience } from "./patience.ts";

/**
 * senpu's names as AWS's: queue URLs and ARNs, topic ARNs. Looked up once a process, and learnt when a queue is made.
 * SNS has no look-up by name; a topic's ARN is derived from a queue's, which has the same partition, region and account.
 */
export class AwsNames {
  readonly #clients: AwsClients;
  readonly #patience: Patience;
  readonly #prefix: string;
  readonly #urls = new Map<string, Promise<string>>();
  #home: Promise<Home> | undefined;

  constructor(clients: AwsClients, patience: Patience, prefix: string) {
    this.#clients = clients;
    this.#patience = patience;
    this.#prefix = prefix;
  }

  full(name: string): string {
    return `${this.#prefix}-${name}`;
  }

  /** senpu's own name of a queue URL's queue; undefined when it is another deployment's. */
  ownName(queueUrl: string): string | undefined {
    const full = queueUrl.slice(queueUrl.lastIndexOf("/") + 1);
    return full.startsWith(`${this.#prefix}-`) ? full.slice(this.#prefix.length + 1) : undefined;
  }

  queueUrl(name: string): Promise<string> {
    return remember(this.#urls, name, async () => {
      const QueueName = this.full(name);
      try {
        const found = await this.#patience.run(`finding queue ${QueueName}`, () =>
          this.#clients.sqs.send(new GetQueueUrlCommand({ QueueName })),
        );
        return found.QueueUrl!;
      } catch (error) {
        if (!isMissingQueue(error)) throw error;
        throw new SenpuError("broker", `queue ${QueueName} does not exist; is its lane deployed?`, {
          cause: error,
        });
      }
    });
  }

  learnQueueUrl(name: string, url: string): void {
    this.#urls.set(name, Promise.resolve(url));
  }

  learnTopicArn(arn: string): void {
    this.#home = Promise.resolve(homeOf(arn));
  }

  async topicArn(topic: Topic): Promise<string> {
    const { partition, region, account } = await this.#findHome();
    return `arn:${partition}:sns:${region}:${account}:${this.full(topic)}`;
  }

  async queueArn(name: string): Promise<string> {
    const { partition, region, account } = await this.#findHome();
    return `arn:${partition}:sqs:${region}:${account}:${this.full(name)}`;
  }

  #findHome(): Promise<Home> {
    this.#home ??= this.#lookUpHome().catch((error: unknown) => {
      this.#home = undefined;
      throw error;
    });
    return this.#home;
  }

  async #lookUpHome(): Promise<Home> {
    const QueueUrl = await this.queueUrl(LEDGER_QUEUE);
    const found = await this.#patience.run(`asking for queue ${this.full(LEDGER_QUEUE)}`, () =>
      this.#clients.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
      ),
    );
    return homeOf(found.Attributes!.QueueArn!);
  }
}

/** What all of a deployment's ARNs share. */
interface Home {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

function homeOf(arn: string): Home {
  const [, partition, , region, account] = arn.split(":");
  return { partition: partition!, region: region!, account: account! };
}

function isMissingQueue(error: unknown): boolean {
  const cause = (error as { cause?: { name?: string } }).cause;
  return (
    cause?.name === "QueueDoesNotExist" || cause?.name === "AWS.SimpleQueueService.NonExistentQueue"
  );
}

/** A failed look-up is forgotten, so that the next asks again. */
function remember<T>(
  cache: Map<string, Promise<T>>,
  key: string,
  find: () => Promise<T>,
): Promise<T> {
  const known = cache.get(key);
  if (known) return known;
  const found = find();
  cache.set(key, found);
  found.catch(() => cache.get(key) === found && cache.delete(key));
  return found;
}
