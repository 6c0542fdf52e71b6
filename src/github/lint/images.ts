import type { Ran } from "../read/scripts.ts";
import type { StepFacts } from "../read/project.ts";

const moving =
  /^(?:latest|main|master|trunk|dev|develop|development|staging|stage|prod|production|stable|edge|nightly|current|live)$/i;

/** Longer than any image's name. */
const LONGEST = 1_000;

/** A tag that is moved from image to image. */
export function isMovingTag(tag: string): boolean {
  return moving.test(tag);
}

/** The tag of an image as it is written; null for a digest and for what is no image; `latest` is what stands for none. */
export function tagOf(image: string): string | null {
  if (
    image === "" ||
    image.length > LONGEST ||
    image.includes("@") ||
    /\s/.test(image.replaceAll(/\$\{\{[^}]*\}\}/g, ""))
  )
    return null;
  // What an expression or a variable holds may end in a tag of its own.
  const name = image.replaceAll(/\$\{\{[^}]*\}\}|\$\{[^}]*\}/g, "$");
  const last = name.slice(name.lastIndexOf("/") + 1);
  const colon = last.indexOf(":");
  if (colon !== -1) return last.slice(colon + 1);
  return last.includes("$") || !image.includes("/") ? null : "latest";
}

/** A word with the variables of its script put in, as far as the script sets them itself. */
export function withVariables(text: string, { script }: Ran, { step }: StepFacts): string {
  return text.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (written, braced: string | undefined, bare: string | undefined) => {
    const name = braced ?? bare ?? "";
    const assigned = script.commands.flatMap(({ assignments, words }) => [
      ...assignments.map((each) => ({ name: each.name, text: each.value.text })),
      ...(words[0]?.text === "export" ? words.slice(1).map((word) => splitAssignment(word.text)) : []),
    ]);
    const value = assigned.findLast((each) => each.name === name)?.text ?? environmentText(step.env, name);
    return value === null || /\$\(|`/.test(value) ? written : value;
  });
}

function splitAssignment(text: string): { name: string; text: string } {
  const at = text.indexOf("=");
  return at === -1 ? { name: "", text: "" } : { name: text.slice(0, at), text: text.slice(at + 1) };
}

function environmentText(entries: StepFacts["step"]["env"], name: string): string | null {
  const value = entries.find(({ key }) => key === name)?.value;
  return value?.kind === "text" ? value.text.value : null;
}
