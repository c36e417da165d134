/** What Lambda tells a handler of its invocation, as far as senpu uses it. */
export interface LambdaContext {
  /** The same again when Lambda retries an asynchronous invocation. */
  readonly awsRequestId: string;
  /** The environment's own stream: tells two environments of one function apart. */
  readonly logStreamName: string;
  getRemainingTimeInMillis(): number;
}
