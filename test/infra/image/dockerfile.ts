export interface Instruction {
  readonly name: string;
  readonly words: string;
}

/** A Dockerfile's instructions in order, without comments; continued lines are one. */
export function readInstructions(text: string): Instruction[] {
  return text
    .replaceAll(/\\\n/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [name = ""] = line.split(/\s/, 1);
      return { name: name.toUpperCase(), words: line.slice(name.length).trim() };
    });
}
