import { isMap, parseDocument, stringify } from "yaml";
import * as z from "zod";
import { ShiplockError } from "../../errors.ts";

/** One secret of an age file: when it was set and by whom, and its value in age's armor. */
export type AgeEntry = { readonly updatedAt: string; readonly by: string; readonly value: string };

/**
 * What an age file says. Names, times and recipients stand readable, each value is encrypted by itself: so a review sees which secrets a change touches, and two
 * branches that touch different names merge.
 */
export type AgeDocument = {
  /** Public keys by the name of their owner. */
  readonly recipients: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, AgeEntry>>;
};

const schema = z.strictObject({
  version: z.literal(1),
  // age would encrypt for nobody without a word, and what was there could never be read again.
  recipients: z
    .record(z.string().min(1), z.string().startsWith("age1"))
    .refine((recipients) => Object.keys(recipients).length > 0, "names nobody who could read the values"),
  secrets: z.record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
    z.strictObject({ updatedAt: z.iso.datetime(), by: z.string(), value: z.string() }),
  ),
});

const heading = `# Secrets, encrypted with age for the recipients below; written by \`shiplock secrets\`, made to be committed.
# After a change of the recipients: \`shiplock secrets rotate\`.
`;

/**
 * Reads the text of an age file.
 * @param file for people
 * @throws ShiplockError `secrets/age-file`
 */
export function parseAgeFile(text: string, file: string): AgeDocument {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined || !isMap(document.contents)) {
    const conflict = /^(?:<<<<<<<|>>>>>>>) /m.test(text);
    throw invalid(file, conflict ? "it holds the marks of a merge conflict" : "it is not YAML that can be read");
  }
  const read = schema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (read.success) return { recipients: read.data.recipients, secrets: read.data.secrets };
  const [issue] = read.error.issues;
  throw invalid(file, `${issue?.path.join(".") ?? "it"}: ${issue?.message ?? "is not valid"}`);
}

/** The text of an age file: names in alphabetical order, so that two branches add theirs at different places. */
export function ageFileText({ recipients, secrets }: AgeDocument): string {
  const sorted = Object.fromEntries(Object.entries(secrets).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return `${heading}${stringify({ version: 1, recipients, secrets: sorted }, { lineWidth: 0 })}`;
}

function invalid(file: string, what: string): ShiplockError {
  return new ShiplockError({
    code: "secrets/age-file",
    blame: "usage",
    message: `${file} is no file of secrets: ${what}`,
    remedy: "mend it by hand, or take it back from git",
  });
}
