import type { Config } from "../config/types.ts";
import type { LoginOrigin } from "../release/registry/docker-login.ts";
import { parseReference } from "../release/registry/reference.ts";
import type { CommandContext } from "./context.ts";
import { registriesOf, registryLogins } from "./registry-logins.ts";
import { registryOf } from "./wiring.ts";

/** `look` says what was found, or throws what is wrong. */
export type RegistryCheck = { name: string; look: () => Promise<string> };

/** A look at every registry of a project's images, for whoever wants to know whether a deployment would work. */
export function registryChecks(context: CommandContext, config: Config): RegistryCheck[] {
  const registries = registriesOf(config);
  if (registries.length === 0)
    return [{ name: "registry", look: async () => "none is needed: images travel over the SSH connections" }];
  return registries.map((registry) => ({
    name: `registry ${registry}`,
    look: () => registryAnswers(context, config, registry),
  }));
}

/** Asks for a tag of each image there, since a login may be good for one and not for another. Says where the login comes from, and never what it is. */
async function registryAnswers(context: CommandContext, config: Config, registry: string): Promise<string> {
  const logins = registryLogins(config, context);
  const { origin } = await logins(registry);
  const client = registryOf(config, logins);
  const there = Object.values(config.images)
    .map(({ repository }) => parseReference(repository))
    .filter((reference) => reference.registry === registry);
  await Promise.all(there.map((reference) => client.exists({ ...reference, tag: "shiplock-doctor", digest: null })));
  return origin.kind === "none"
    ? "answers; there is no login for it"
    : `answers; the login is ${loginSentence(origin)}`;
}

function loginSentence(origin: LoginOrigin): string {
  switch (origin.kind) {
    case "configuration":
      return "that of shiplock.yml";
    case "helper":
      return `that of ${origin.program}, Docker's helper for it`;
    case "store":
      return `that of ${origin.program}, Docker's store`;
    case "file":
      return `that in ${origin.path}`;
    case "none":
      return "none";
  }
}
