import type { Dockerfile, Instruction } from "./dockerfile.ts";

/** An image that a Dockerfile builds on or copies from, for one platform. */
export type BaseImage = { reference: string; platform: string };

/** The base images of a Dockerfile, or why what goes into the image cannot be told from here. */
export type Bases = { known: true; images: readonly BaseImage[] } | { known: false; why: string };

export type BuildChoice = {
  args: Readonly<Record<string, string>>;
  /** What is built for: `linux/arm64`. */
  platforms: readonly string[];
  /** What the builder runs on. */
  builder: string;
};

/** Thrown inside of this file alone, where a text depends on what only the build knows. */
class Unknown extends Error {}

/**
 * All images that a Dockerfile takes something from: in `FROM`, `COPY --from`, `RUN --mount=from` and `# syntax`, with build arguments filled in. Something that is fetched
 * from the network by `ADD` makes the whole unknown: only the build learns what it is.
 */
export function basesOf(dockerfile: Dockerfile, choice: BuildChoice): Bases {
  try {
    const found = choice.platforms.flatMap((platform) => basesFor(dockerfile.instructions, platform, choice));
    if (dockerfile.syntax !== null) found.push({ reference: dockerfile.syntax, platform: choice.builder });
    const byKey = new Map(found.map((image) => [`${image.reference} ${image.platform}`, image]));
    return { known: true, images: [...byKey.keys()].sort().flatMap((key) => byKey.get(key) ?? []) };
  } catch (error) {
    if (error instanceof Unknown) return { known: false, why: error.message };
    throw error;
  }
}

function basesFor(instructions: readonly Instruction[], platform: string, choice: BuildChoice): BaseImage[] {
  const variables = new Map<string, string>();
  const given = new Map([...platformArguments(platform, choice.builder), ...Object.entries(choice.args)]);
  const found: BaseImage[] = [];
  const stages: string[] = [];
  const take = (reference: string, where: string): void => {
    const index = /^\d+$/.test(reference) ? Number(reference) : -1;
    if (reference === "scratch" || stages.includes(reference.toLowerCase()) || stages[index] !== undefined) return;
    found.push({ reference, platform: where });
  };
  for (const instruction of instructions) {
    switch (instruction.keyword) {
      case "ARG":
        if (stages.length === 0) readArguments(instruction, variables, given);
        break;
      case "FROM": {
        const [name = "", , stage] = instruction.rest.split(/\s+/);
        const wanted = flagOf(instruction, "platform");
        const where = wanted === null ? platform : expand(wanted, variables, given, instruction);
        take(expand(name, variables, given, instruction), where);
        stages.push((stage ?? "").toLowerCase());
        break;
      }
      case "COPY": {
        const from = flagOf(instruction, "from");
        if (from !== null) take(literal(from, instruction), platform);
        break;
      }
      case "RUN":
        for (const { name, value } of instruction.flags) {
          const from = name === "mount" ? /(?:^|,)from=([^,]+)/.exec(value)?.[1] : undefined;
          if (from !== undefined) take(literal(from, instruction), platform);
        }
        break;
      case "ADD":
        if (/\$|(^|[\s"[])([a-z+]+:\/\/|git@)/i.test(instruction.rest) && flagOf(instruction, "checksum") === null)
          throw new Unknown(`line ${instruction.line} of the Dockerfile adds something from the network`);
        break;
    }
  }
  return found;
}

function readArguments(
  instruction: Instruction,
  variables: Map<string, string>,
  given: ReadonlyMap<string, string>,
): void {
  for (const part of instruction.rest.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []) {
    const [, name = part, value] = /^([^=]+)=(.*)$/s.exec(part) ?? [];
    const standard = value === undefined ? undefined : expand(unquoted(value), variables, given, instruction);
    const chosen = given.get(name) ?? standard;
    if (chosen !== undefined) variables.set(name, chosen);
  }
}

/** What BuildKit defines by itself before the first `FROM`. */
function platformArguments(platform: string, builder: string): Map<string, string> {
  const of = (prefix: string, text: string): [string, string][] => {
    const [os = "", architecture = "", variant = ""] = text.split("/");
    return [
      [`${prefix}PLATFORM`, text],
      [`${prefix}OS`, os],
      [`${prefix}ARCH`, architecture],
      [`${prefix}VARIANT`, variant],
    ];
  };
  return new Map([...of("TARGET", platform), ...of("BUILD", builder)]);
}

const builtIn = /^(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT)$/;

function expand(
  text: string,
  variables: ReadonlyMap<string, string>,
  given: ReadonlyMap<string, string>,
  { line }: Instruction,
): string {
  const filled = text.replaceAll(
    /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?)([-+])([^${}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))/g,
    (_whole, braced: string | undefined, colon: string, operator: string | undefined, word: string, plain: string) => {
      const name = braced ?? plain;
      const value = variables.get(name) ?? (builtIn.test(name) ? given.get(name) : undefined);
      // With a colon an empty value counts as none.
      const isSet = value !== undefined && (colon === "" || value !== "");
      if (operator === "-") return isSet ? value : word;
      if (operator === "+") return isSet ? word : "";
      return value ?? "";
    },
  );
  if (/[$\\]/.test(filled)) throw new Unknown(`line ${line} of the Dockerfile is filled in by the build alone`);
  return unquoted(filled);
}

function literal(text: string, { line }: Instruction): string {
  if (text.includes("$")) throw new Unknown(`line ${line} of the Dockerfile is filled in by the build alone`);
  return text;
}

function flagOf(instruction: Instruction, name: string): string | null {
  return instruction.flags.find((flag) => flag.name === name)?.value ?? null;
}

function unquoted(text: string): string {
  return text.replace(/^(["'])(.*)\1$/s, "$2");
}
