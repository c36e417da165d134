import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { Fault } from "../../shared/document/fault.ts";
import { messageOf } from "../../shared/errors.ts";
import { createS3Client, statusOf } from "../../shared/s3/s3-client.ts";
import { s3Url } from "../../shared/s3/s3-object.ts";
import type { S3Object } from "../../shared/s3/s3-object.ts";
import { checkRoom } from "./fetched-folder.ts";

/** Fetches an object into a file by a client of its own; returns its URL. Throws a {@link Fault}. */
export async function fetchObjectFrom(object: S3Object, path: string): Promise<string> {
  const s3 = createS3Client();
  try {
    await fetchObject(s3, object, path);
    return s3Url(object);
  } finally {
    s3.destroy();
  }
}

/**
 * Fetches an object into a file, streamed; where it names a version or an ETag, that very one. Returns which it was.
 * Throws a {@link Fault}, which begins with the object's URL.
 */
export async function fetchObject(s3: S3Client, object: S3Object, path: string): Promise<S3Object> {
  const { bucket, key, version, etag } = object;
  try {
    const answer = await s3.send(
      new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ChecksumMode: "ENABLED",
        ...(version !== undefined && version !== "null" && { VersionId: version }),
        ...(version === undefined && etag !== undefined && { IfMatch: `"${etag}"` }),
      }),
    );
    const body = answer.Body as Readable;
    try {
      await checkRoom(answer.ContentLength ?? 0);
    } catch (error) {
      body.destroy();
      throw error;
    }
    await mkdir(dirname(path), { recursive: true });
    await pipeline(body, createWriteStream(path, { mode: 0o600 }));
    const found = { version: answer.VersionId, etag: answer.ETag?.replaceAll('"', "") };
    return {
      bucket,
      key,
      ...(found.version !== undefined && found.version !== "null" && { version: found.version }),
      ...(found.etag !== undefined && { etag: found.etag }),
    };
  } catch (cause) {
    throw new Fault(`${s3Url(object)}: ${complaint(cause)}`, { cause });
  }
}

function complaint(cause: unknown): string {
  if (cause instanceof Fault) return cause.message;
  const status = statusOf(cause);
  if (status === 404) return "there is no such object";
  if (status === 403) {
    return `it may not be read, or is not there (${messageOf(cause)}): s3:GetObject on it is needed`;
  }
  return status === 412
    ? "it has been replaced since the event; the new object's own event makes a run of it"
    : `it cannot be read: ${messageOf(cause)}`;
}
