import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { onTestFinished } from "vitest";
import { openFolderClaims } from "../../shared/claims/folder-claims.ts";
import { openS3Claims } from "../../shared/claims/s3-claims.ts";
import { temporaryFolder } from "../shared/broker/embedded.ts";
import { useS3 } from "../support/s3.ts";
import { claimsConformance } from "./claims.ts";

claimsConformance("folder", async () => {
  const root = join(temporaryFolder(), "claims");
  return {
    open: () => openFolderClaims(root),
    openNowhere: () => openFolderClaims(join(root, "nowhere")),
    remove: (name) => rm(join(root, name)),
    write: async (name, bytes) => {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), bytes);
    },
  };
});

const s3 = useS3();

claimsConformance("S3", async () => {
  const bucket = await s3.makeBucket();
  const open = (place: string) => {
    const store = openS3Claims(place);
    onTestFinished(() => store.close());
    return store;
  };
  const at = (name: string) => ({ Bucket: bucket, Key: `some/prefix/${name}` });
  return {
    open: () => open(`s3://${bucket}/some/prefix/`),
    openNowhere: () => open("no-such-bucket"),
    write: async (name, bytes) => {
      await s3.client.send(new PutObjectCommand({ ...at(name), Body: bytes }));
    },
    remove: async (name) => {
      await s3.client.send(new DeleteObjectCommand(at(name)));
    },
  };
});
