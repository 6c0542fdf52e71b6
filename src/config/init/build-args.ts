import { variablesIn } from "../interpolate.ts";
import type { ImageDraft } from "./drafts.ts";
import type { App, Wanted } from "./types.ts";
import { isSecret, wantedBy } from "./variables.ts";

/** An image with its build arguments as a configuration takes them, and what environments have to say for these. */
export type BuildArgs = {
  readonly image: ImageDraft;
  readonly wanted: readonly Wanted[];
  readonly notes: readonly string[];
};

/**
 * Takes over the build arguments of a compose file, and those that the sources want beside them. A fallback that leads to the developer's own
 * machine is left away, so that each environment has to give a value; an argument that holds a secret is left out and told.
 */
export function buildArgs(image: ImageDraft, app: App | undefined, examples: readonly Wanted[]): BuildArgs {
  const beside = (app?.args ?? []).filter(({ name }) => !image.args.some(([other]) => other === name));
  const written = [
    ...image.args.map(([name, value]) => [name, templateOf(name, value)] as const),
    ...beside.map(({ name }) => [name, `\${${name}}`] as const),
  ];
  const secret = (text: string): boolean => variablesIn(text).some((name) => isSecret(name));
  const args = written.filter(([name, value]) => !isSecret(name) && !secret(value));
  const names = args.flatMap(([, value]) => (value.includes(":-") ? [] : variablesIn(value)));
  const left = written.filter((one) => !args.includes(one)).map(([name]) => name);
  return {
    image: { ...image, args },
    wanted: wantedBy(
      [...new Set(names)],
      [...examples, ...beside].filter(({ name }) => names.includes(name)),
    ),
    notes: left.map(
      (name) =>
        `the build argument ${name} of ${image.name} looks like a secret, which anyone who has the image could read: it is left out; a build secret is not kept`,
    ),
  };
}

/** A value of a compose file as `${NAME}` is written here. */
function templateOf(name: string, value: string): string {
  if (value === "") return `\${${name}}`;
  return value.replaceAll(
    /\$\$|\$\{(\w+)(?::?([-?+])([^}]*))?\}|\$(\w+)/g,
    (
      found,
      braced: string | undefined,
      operator: string | undefined,
      rest: string | undefined,
      bare: string | undefined,
    ) => {
      if (found === "$$") return found;
      const variable = braced ?? bare ?? name;
      const lasting = operator === "-" && rest !== undefined && !/localhost|127\.0\.0\.1|\$/.test(rest);
      return lasting ? `\${${variable}:-${rest}}` : `\${${variable}}`;
    },
  );
}
