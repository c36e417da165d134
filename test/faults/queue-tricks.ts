import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import type { MessageAttributeValue, SQSClient } from "@aws-sdk/client-sqs";
import { createAwsClients } from "../../shared/broker/aws-clients.ts";
import { openBody } from "../../shared/broker/body.ts";
import type { Dice } from "./dice.ts";

/** Does to messages what SQS may do to them, at the broker itself. Throws when nobody serves it just now. */
export class QueueTricks {
  readonly #state: string;
  readonly #dice: Dice;

  constructor(state: string, dice: Dice) {
    this.#state = state;
    this.#dice = dice;
  }

  /** Sends some messages a second time. Returns the ids of the calls in each of them; of the ledger queue's none. */
  async duplicate(
    endpoint: string,
    which: "lane" | "ledger",
    count: number,
  ): Promise<Set<string>[]> {
    const found = this.#messages(which === "ledger" ? "senpu-ledger" : "senpu-lane-%");
    const chosen = this.#some(found, count);
    await withSqs(endpoint, async (sqs) => {
      for (const { url, body, attributes } of chosen) {
        const MessageAttributes = JSON.parse(attributes) as Record<string, MessageAttributeValue>;
        await sqs.send(
          new SendMessageCommand({ QueueUrl: url, MessageBody: body, MessageAttributes }),
        );
      }
    });
    return chosen.map(({ body }) => (which === "lane" ? idsIn(body) : new Set<string>()));
  }

  /** Messages in flight just now. */
  inFlight(): InFlight[] {
    return this.#messages("senpu-lane-%").filter(
      (message): message is InFlight => message.receipt !== null,
    );
  }

  /** Ids of calls that stand in two messages just now: who was to remove the one died, or the answer to the other was lost. */
  doubled(): Set<string> {
    const once = new Set<string>();
    const twice = new Set<string>();
    for (const { body } of this.#messages("senpu-lane-%")) {
      for (const id of idsIn(body)) (once.has(id) ? twice : once).add(id);
    }
    return twice;
  }

  /** Messages in flight, all of them or some, are visible again after a second. Returns the ids of the calls in each. */
  async expose(
    endpoint: string,
    found: readonly InFlight[],
    count = Infinity,
  ): Promise<Set<string>[]> {
    const exposed: Set<string>[] = [];
    await withSqs(endpoint, async (sqs) => {
      for (const { url, receipt, body } of this.#some(found, count)) {
        try {
          await sqs.send(
            new ChangeMessageVisibilityCommand({
              QueueUrl: url,
              ReceiptHandle: receipt,
              VisibilityTimeout: 1,
            }),
          );
          exposed.push(idsIn(body));
        } catch {
          // It was removed meanwhile.
        }
      }
    });
    return exposed;
  }

  /** Up to ten waiting messages of each lane are sent again in reverse, some with a delay, then removed. Returns how many. */
  async reorder(endpoint: string): Promise<number> {
    const urls = new Set(this.#messages("senpu-lane-%").map(({ url }) => url));
    let moved = 0;
    await withSqs(endpoint, async (sqs) => {
      for (const QueueUrl of urls) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: 0,
            MessageAttributeNames: ["All"],
          }),
        );
        for (const { Body, MessageAttributes } of Messages.toReversed()) {
          const DelaySeconds = this.#dice.between(0, 2);
          await sqs.send(
            new SendMessageCommand({
              QueueUrl,
              MessageBody: Body,
              MessageAttributes,
              DelaySeconds,
            }),
          );
        }
        for (const { ReceiptHandle } of Messages) {
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        }
        moved += Messages.length;
      }
    });
    return moved;
  }

  #some<T>(found: readonly T[], count: number): T[] {
    return found
      .map((one) => ({ one, at: this.#dice.next() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, count)
      .map(({ one }) => one);
  }

  /** As the broker has them on disk; without the queues for what has failed. */
  #messages(queues: string): StoredMessage[] {
    const database = new DatabaseSync(join(this.#state, "broker", "fauxqs.db"), {
      readOnly: true,
      timeout: 2_000,
    });
    try {
      return database
        .prepare(
          `SELECT q.url AS url, m.body AS body, m.message_attributes AS attributes, m.receipt_handle AS receipt
           FROM sqs_messages m JOIN sqs_queues q ON q.name = m.queue_name
           WHERE m.queue_name LIKE ? AND m.queue_name NOT LIKE '%-failed' AND m.queue_name NOT LIKE '%-dead'`,
        )
        .all(queues) as unknown as StoredMessage[];
    } finally {
      database.close();
    }
  }
}

interface InFlight extends StoredMessage {
  readonly receipt: string;
}

interface StoredMessage {
  readonly url: string;
  readonly body: string;
  /** JSON, as the SDK takes them. */
  readonly attributes: string;
  /** Null unless it is in flight. */
  readonly receipt: string | null;
}

function idsIn(body: string): Set<string> {
  const { calls } = JSON.parse(openBody(body)) as { calls?: readonly { readonly id: string }[] };
  return new Set(calls?.map(({ id }) => id));
}

async function withSqs(
  endpointUrl: string,
  work: (sqs: SQSClient) => Promise<void>,
): Promise<void> {
  const clients = createAwsClients({ endpointUrl });
  try {
    await work(clients.sqs);
  } finally {
    clients.destroy();
  }
}
