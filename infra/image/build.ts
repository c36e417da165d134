import { EXIT, messageOf } from "../../shared/errors.ts";
import { CONTEXT, writeContext } from "./context.ts";

/** `node infra/image/build.ts`: writes `dist/image`, from which the container image is built, and prints what it holds. */

const LARGEST = 5;

try {
  const { bytes, maxBytes, parts } = await writeContext();
  const largest = parts
    .slice(0, LARGEST)
    .map(([part, size]) => `${part} ${kilobytes(size)}`)
    .join(", ");
  process.stdout.write(
    `${CONTEXT}: ${kilobytes(bytes)} kB of JavaScript, limit ${kilobytes(maxBytes)} (most of it: ${largest})\n` +
      `docker buildx build --platform linux/amd64,linux/arm64 -t senpu ${CONTEXT}\n`,
  );
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = EXIT.failedCalls;
}

function kilobytes(bytes: number): string {
  return String(Math.round(bytes / 1_000));
}
