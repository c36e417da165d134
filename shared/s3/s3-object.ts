/** An object in S3, as far as it is known which. */
export interface S3Object {
  readonly bucket: string;
  readonly key: string;
  /** Where the bucket keeps versions. */
  readonly version?: string;
  /** Without quotes. */
  readonly etag?: string;
}

const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.*[^/])$/s;

/** Undefined for what is no `s3://bucket/key`. */
export function parseS3Url(text: string): S3Object | undefined {
  const [, bucket, key] = S3_URL.exec(text) ?? [];
  return bucket === undefined || key === undefined ? undefined : { bucket, key };
}

export function s3Url({ bucket, key }: S3Object): string {
  return `s3://${bucket}/${key}`;
}
