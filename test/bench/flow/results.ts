import { writeFileSync } from "node:fs";

const FILE = new URL("./results.md", import.meta.url);

/** What was printed, as `results.md` beside this file. `startedAt`: ISO 8601. */
export function writeResults(
  scenarios: readonly string[],
  machine: readonly string[],
  startedAt: string,
): void {
  const blocks = scenarios.map((text) => `\`\`\`\n${text.trimEnd()}\n\`\`\`\n`);
  writeFileSync(
    FILE,
    `# What flow control gave, at the receiving end

\`npm run bench:flow -- --write\`, ${startedAt.slice(0, 10)}. Whole runs through the launcher; the server, in a process of its own,
logs when each request arrives and when its answer is out.
${machine.join("\n")}

${blocks.join("\n")}`,
  );
}
