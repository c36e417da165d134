const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 15_000;

interface ClientSettings {
  readonly region: string;
  readonly requestHandler: Readonly<Record<string, number | boolean>>;
}

interface Client {
  destroy(): void;
}

/**
 * Clients of AWS's services, one a service and region, made when they are first asked for.
 * They speak to AWS's endpoints, or to those that `AWS_ENDPOINT_URL` and its kin name.
 */
export class Clients {
  readonly #made = new Map<string, Client>();

  /** `Kind`: the SDK's class, which whoever needs the service has loaded. */
  of<Made extends Client>(Kind: new (settings: ClientSettings) => Made, region: string): Made {
    const key = `${Kind.name} ${region}`;
    let made = this.#made.get(key) as Made | undefined;
    if (made === undefined) {
      made = new Kind({
        region,
        requestHandler: {
          connectionTimeout: CONNECTION_TIMEOUT_MS,
          requestTimeout: REQUEST_TIMEOUT_MS,
          throwOnRequestTimeout: true,
        },
      });
      this.#made.set(key, made);
    }
    return made;
  }

  destroy(): void {
    for (const client of this.#made.values()) client.destroy();
    this.#made.clear();
  }
}
