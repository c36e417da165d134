/**
 * What a function URL hands to its function, as far as registration uses it.
 * Source: Lambda developer guide, "Invoking Lambda function URLs", payload format 2.0.
 */
export interface UrlEvent {
  readonly requestContext: {
    readonly http: { readonly method: string; readonly sourceIp: string };
    /** Of URLs with `AWS_IAM` only: whoever signed the request. */
    readonly authorizer?: { readonly iam?: { readonly userArn?: string } };
  };
}

export interface UrlAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function isUrlEvent(event: unknown): event is UrlEvent {
  const { requestContext } = (event ?? {}) as { requestContext?: { http?: unknown } };
  return typeof requestContext?.http === "object" && requestContext.http !== null;
}

export function answer(statusCode: number, value: object): UrlAnswer {
  return {
    statusCode,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: JSON.stringify(value),
  };
}
