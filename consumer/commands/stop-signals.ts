import { isRunsChild } from "../../shared/environment.ts";
import { EXIT } from "../../shared/errors.ts";

/** What is being opened when the stop is asked for may take so long more, so that it is closed in good order. */
const OPENING_MS = 2_000;

export interface StopSignals {
  /** Resolves once the process is to end in good order. */
  readonly asked: Promise<void>;
  /** What `opening` brings. Asked to stop meanwhile, the process ends with 0 where that takes long: it holds nothing yet. */
  open<T>(opening: Promise<T>): Promise<T>;
}

/**
 * From now on the first SIGTERM or Ctrl-C asks the process to end in good order; the second ends it at once, with 130.
 * `lost`: what is said then of what was under way.
 *
 * Under a run that started it, the run's word or its death asks too; the Ctrl-C that a terminal sends to both is the
 * run's to act on.
 */
export function listenForStop(lost: string): StopSignals {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  let isAsked = false;
  const ask = (): void => {
    isAsked = true;
    resolve();
  };
  const onSignal = (): void => {
    if (isAsked) {
      process.stderr.write(`senpu ${process.pid}: ended at once; ${lost}\n`);
      process.exit(EXIT.interrupted);
    }
    ask();
  };
  process.on("SIGTERM", onSignal);
  if (!isRunsChild()) process.on("SIGINT", onSignal);
  else {
    process.on("SIGINT", () => {});
    process.on("message", (message) => {
      if (message === "stop") ask();
    });
    process.on("disconnect", ask);
    // The run died before this process listened.
    if (!process.connected) ask();
  }
  return {
    asked,
    open: async (opening) => {
      let isOpening = true;
      let timer: NodeJS.Timeout | undefined;
      const giveUp = async (): Promise<void> => {
        await asked;
        if (isOpening) timer = setTimeout(() => process.exit(EXIT.succeeded), OPENING_MS);
      };
      void giveUp();
      try {
        return await opening;
      } finally {
        isOpening = false;
        clearTimeout(timer);
      }
    },
  };
}
