import * as z from "zod";
import * as part from "./schema-parts.ts";

function ignore() {
  return z.strictObject({
    file: part
      .filledText()
      .refine((pattern) => !pattern.split("/").includes(".."), "must not lead out of the repository")
      .describe('Path from the repository\'s root, or a pattern as in `.gitignore`: "test/fixtures/**".'),
    rule: part.filledText().describe('The rule that finds it, as it is reported: "privatekey".'),
    reason: part.filledText().describe("Why it is let through; kept with the gate's answer."),
  });
}

/** The search for secrets that were committed by mistake. */
export function leaks() {
  return z.union([
    z.enum(["off"]),
    z.literal(false),
    z.strictObject({
      ignore: z
        .array(ignore())
        .optional()
        .describe("What looks like a secret and is none: by file and rule, each with its reason."),
    }),
  ]);
}
