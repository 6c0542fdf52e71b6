import { ShiplockError } from "../../errors.ts";

/** What cannot be read from the repository: where it shall run. What is undefined was not answered. */
export type Answers = {
  readonly project: string | undefined;
  readonly environments: readonly EnvironmentAnswers[];
  readonly registry: RegistryAnswer | undefined;
  readonly tls: "auto" | "internal" | "off" | undefined;
  /** Network of builds and checks, where only this machine reaches the package registries. */
  readonly buildNetwork: "host" | undefined;
  /** Whether files of the team's may get a change, such as Next.js's configuration. */
  readonly edits: boolean;
};

export type EnvironmentAnswers = {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly domain: string | undefined;
};

export type RegistryAnswer = { readonly address: string; readonly insecure: boolean };

/** Flags as they are given: `staging=deploy@10.0.0.5`, or without a name for every environment that has none of its own. */
export type AnswerFlags = {
  readonly name: string | null;
  readonly hosts: readonly string[];
  readonly domains: readonly string[];
  readonly registry: string | null;
  readonly tls: string | null;
  readonly buildNetwork: string | null;
};

export const usualEnvironments = ["staging", "production"] as const;

/** @throws ShiplockError `init/bad-answer` for a flag that cannot be what it says */
export function answersOf(flags: AnswerFlags): Answers {
  const hosts = flags.hosts.map(named);
  const domains = flags.domains.map(named);
  const told = [...hosts, ...domains].flatMap(({ environment }) => environment ?? []);
  const names = told.length === 0 ? usualEnvironments : [...new Set(told)];
  return {
    project: flags.name ?? undefined,
    environments: names.map((name) => {
      const own = hosts.filter(({ environment }) => environment === name);
      const forAll = hosts.filter(({ environment }) => environment === undefined);
      return {
        name,
        hosts: (own.length > 0 ? own : forAll).map(({ value }) => value),
        domain:
          domains.find(({ environment }) => environment === name)?.value ??
          domainOf(name, domains.find(({ environment }) => environment === undefined)?.value),
      };
    }),
    registry: flags.registry === null ? undefined : registryOf(flags.registry),
    tls: oneOf("tls", flags.tls, ["auto", "internal", "off"] as const),
    buildNetwork: oneOf("build-network", flags.buildNetwork, ["host"] as const),
    edits: true,
  };
}

/** The host name of an environment below a project's: production has the bare one. */
export function domainOf(environment: string, domain: string | undefined): string | undefined {
  if (domain === undefined || environment === "production") return domain;
  return `${environment}.${domain}`;
}

/** A registry's address; one that begins with `http://` is spoken to without TLS. */
export function registryOf(text: string): RegistryAnswer {
  return {
    address: text
      .trim()
      .replace(/^https?:\/\//, "")
      .replace(/\/$/, ""),
    insecure: text.trim().startsWith("http://"),
  };
}

function named(text: string): { readonly environment: string | undefined; readonly value: string } {
  const [, environment, value] = /^([a-z][a-z0-9-]*)=(.+)$/.exec(text) ?? [];
  return { environment, value: value ?? text };
}

function oneOf<Choice extends string>(
  flag: string,
  text: string | null,
  choices: readonly Choice[],
): Choice | undefined {
  if (text === null) return undefined;
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new ShiplockError({
    code: "init/bad-answer",
    blame: "usage",
    message: `--${flag} takes ${choices.join(", ")}, not ${JSON.stringify(text)}`,
    remedy: `write --${flag} ${choices[0]}, for example`,
  });
}
