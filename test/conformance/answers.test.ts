import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openFolderAnswers } from "../../shared/answers/folder-answers.ts";
import { openS3Answers } from "../../shared/answers/s3-answers.ts";
import { temporaryFolder } from "../shared/broker/embedded.ts";
import { useS3 } from "../support/s3.ts";
import { answersConformance } from "./answers.ts";

answersConformance("folder", async () => {
  const root = join(temporaryFolder(), "answers");
  const blocked = join(temporaryFolder(), "file");
  writeFileSync(blocked, "");
  return { open: () => openFolderAnswers(root), openNowhere: () => openFolderAnswers(blocked) };
});

const s3 = useS3();

answersConformance("S3", async () => {
  const bucket = await s3.makeBucket();
  const open = (place: string) => {
    const store = openS3Answers(place);
    onTestFinished(() => store.close());
    return store;
  };
  return { open: () => open(`${bucket}/some/prefix`), openNowhere: () => open("no-such-bucket") };
});
