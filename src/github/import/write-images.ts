import type { Draft } from "./draft.ts";
import { serverOf } from "./builds.ts";
import { isKnown, secretIn, whoKnows } from "./texts.ts";
import type { Build, Found, From, Left, Login } from "./types.ts";

export type RegistryOfBuilds = { readonly address: string; readonly known: boolean; readonly from: From };

/** The registry that images are pushed to: what the names of the first have before their last part. Null where no build names one. */
export function registryOfBuilds(builds: readonly Found<Build>[]): RegistryOfBuilds | null {
  const named = builds.filter(({ value }) => value.repository?.includes("/") === true);
  for (const { value, from } of named) {
    const place = serverOf(value.repository ?? "");
    if (place === null) continue;
    const above = place.path.split("/").slice(0, -1).join("/");
    return { address: [place.server, above].filter((part) => part !== "").join("/"), known: true, from };
  }
  const [first] = named;
  if (first === undefined) return null;
  const server = /^([a-z0-9.-]+\.[a-z]+(?::\d+)?)\//.exec(first.value.repository ?? "")?.[1] ?? "registry.example.com";
  return { address: `${server}/your-organization`, known: false, from: first.from };
}

/** What builds and logins say about images and their registry. */
export function writeImages(
  draft: Draft,
  builds: readonly Found<Build>[],
  logins: readonly Found<Login>[],
  left: Left[],
): void {
  const registry = registryOfBuilds(builds);
  if (registry !== null) writeRegistry(draft, registry, builds, logins);
  const images = Object.entries(
    (draft.value(["images"]) as Readonly<Record<string, { context?: string; dockerfile?: string }>> | undefined) ?? {},
  );
  const done = new Set<string>();
  for (const { value: build, from } of builds) {
    const fits = images.filter(([, image]) => folder(image.context) === build.context);
    const [name] =
      fits.find(([, image]) => (image.dockerfile ?? null) === build.dockerfile) ??
      (fits.length === 1 ? fits[0] : undefined) ??
      [];
    if (name === undefined) {
      left.push({
        ...from,
        what: `builds ${build.context === "" ? "the root" : build.context}${build.dockerfile === null ? "" : ` with ${build.dockerfile}`}`,
        why: "no released service of the compose file is made of it",
        instead: "name it under `images`, and a service of the compose file with it under `services`",
      });
      continue;
    }
    if (done.has(name)) continue;
    done.add(name);
    writeImage(draft, name, build, from, registry);
  }
}

function writeRegistry(
  draft: Draft,
  registry: RegistryOfBuilds,
  builds: readonly Found<Build>[],
  logins: readonly Found<Login>[],
): void {
  const named = builds.find(({ from }) => from === registry.from)?.value.repository ?? "";
  if (registry.known) draft.take(["registry", "address"], registry.address, registry.from);
  else
    draft.ask(
      ["registry", "address"],
      registry.address,
      registry.from,
      `write the registry's address and path: the workflow has ${named}`,
    );
  const server = registry.address.split("/", 1)[0];
  const login =
    logins.find(({ value }) => value.server.replace(/^https?:\/\//, "").split("/", 1)[0] === server) ?? logins[0];
  if (login === undefined) {
    draft.ask(["registry", "username"], undefined, registry.from, "who signs in at it, and with which secret?");
    return;
  }
  const { username, password } = login.value;
  const name = usernameOf(username);
  if (name === null) draft.ask(["registry", "username"], undefined, login.from, "who signs in at it?");
  else if (secretIn(username) !== null)
    draft.ask(
      ["registry", "username"],
      name,
      login.from,
      `generated workflows take it from a variable of that name on GitHub, where it is a secret now`,
    );
  else draft.take(["registry", "username"], name, login.from);
  const secret = secretIn(password);
  if (secret === null) draft.ask(["registry", "password"], undefined, login.from, "which secret holds the password?");
  else draft.take(["registry", "password"], secret, login.from);
}

function usernameOf(text: string): string | null {
  if (/github\.(?:actor|triggering_actor)\b/.test(text)) return "${GITHUB_ACTOR}";
  if (/github\.repository_owner\b/.test(text)) return "${GITHUB_REPOSITORY_OWNER}";
  const name = /\b(?:secrets|vars)\.(\w+)/.exec(text)?.[1];
  if (name !== undefined) return `\${${name}}`;
  return text !== "" && isKnown(text) ? text : null;
}

function writeImage(draft: Draft, name: string, build: Build, from: From, registry: RegistryOfBuilds | null): void {
  const at = (...keys: readonly string[]) => ["images", name, ...keys];
  draft.mark(at("context"), from);
  if (build.target !== null && isKnown(build.target)) draft.take(at("target"), build.target, from);
  const platforms = build.platforms.filter((one) => /^linux\/[a-z0-9]+(?:\/v\d)?$/.test(one));
  if (platforms.length > 0) draft.take(at("platforms"), platforms, from);
  for (const [key, value] of build.args) {
    if (!/^[A-Za-z_]\w*$/.test(key)) continue;
    if (secretIn(value) !== null)
      draft.questions.push({
        ...from,
        key: at("args", key).join("."),
        question: `the build gets ${whoKnows(value)} as an argument, which stays readable in the image: make it one of \`images.${name}.secrets\``,
      });
    else if (isKnown(value)) draft.take(at("args", key), value.replaceAll("$", "$$$$"), from);
    else
      draft.questions.push({
        ...from,
        key: at("args", key).join("."),
        question: `the workflow fills it with ${whoKnows(value).replaceAll(/[{}$]/g, "").trim()}, which differs from run to run or is not written there: it is left out`,
      });
  }
  const secrets = build.secrets.filter((one) => /^[A-Z][A-Z0-9_]*$/.test(one));
  if (secrets.length > 0) draft.take(at("secrets"), secrets, from);
  const place = build.repository === null ? null : serverOf(build.repository);
  const whole = place === null ? null : `${place.server}/${place.path}`;
  if (whole !== null && registry !== null && whole !== `${registry.address}/${name}`)
    draft.take(at("repository"), whole, from);
}

function folder(context: string | undefined): string {
  return context === undefined || context === "." ? "" : context.replace(/^\.\//, "").replace(/\/$/, "");
}
