import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { AnswerStore } from "../../shared/answers/answer-store.ts";
import { answerName } from "../../shared/answers/answer-name.ts";
import type { AnswerSink } from "./answer-use.ts";
import type { ResultObjects } from "./result-objects.ts";

/** Into the answer store, from where the run's results are gathered. `hasType`: for results that are files of their own. */
export function storeSink(store: AnswerStore, run: string, hasType: boolean): AnswerSink {
  const place = (segment: string, bytes: number, type: string) => ({
    segment,
    at: 0,
    bytes,
    ...(hasType ? { type } : {}),
  });
  return {
    isShared: true,
    write: async (_facts, bytes, type) =>
      place(await store.write(run, [bytes]), bytes.length, type),
    begin: () => store.begin(run),
    place,
  };
}

/**
 * Straight into the bucket that the plan names, an object a call: `<prefix>/<run>/<id>`. The key is the call's, so that
 * who makes it a second time writes the same object again.
 */
export function objectSink(
  objects: () => Promise<ResultObjects>,
  url: string,
  run: string,
  id: string,
): AnswerSink {
  const object = `${url.replace(/\/+$/, "")}/${run}/${answerName(id)}`;
  return {
    isShared: false,
    write: async (_facts, bytes, type) => {
      await (await objects()).put(object, bytes, bytes.length, type);
      return { object, bytes: bytes.length };
    },
    begin: async (_facts, type) => {
      const { beginFile } = await import("../../shared/answers/s3-answers.ts");
      return beginFile(async (path) => {
        const { size } = await stat(path);
        await (await objects()).put(object, createReadStream(path), size, type);
        return object;
      });
    },
    place: (name, bytes) => ({ object: name, bytes }),
  };
}
