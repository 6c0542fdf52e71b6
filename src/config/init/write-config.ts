import type { Answers, EnvironmentAnswers } from "./answers.ts";
import { marker } from "./dockerfiles/ignore.ts";
import type { Draft, ImageDraft, ServiceDraft } from "./drafts.ts";
import { block, flowList, indent, scalar } from "./text.ts";
import type { CheckDraft, Health, Wanted } from "./types.ts";

/** The variable that holds an environment's host name. */
export const hostVariable = "APP_HOST";

/** The text of `shiplock.yml`, and the lines of it that hold examples instead of values of the team's. */
export function writeConfig(
  project: string,
  draft: Draft,
  checks: readonly CheckDraft[],
  answers: Answers,
): { readonly text: string; readonly examples: readonly string[] } {
  const lines = [
    "# yaml-language-server: $schema=node_modules/shiplock/schema/shiplock.schema.json",
    `${marker}; docs/configuration.md has every key.`,
    `project: ${scalar(project)}`,
    `compose: ${draft.compose.length === 1 ? scalar(draft.compose[0] ?? "") : flowList(draft.compose)}`,
    "",
    ...registryLines(answers),
    "",
    "images:",
    ...indent(draft.images.flatMap((image) => imageLines(image, answers))),
    ...(checks.length === 0
      ? []
      : ["", "# What has to pass for a commit before anything of it is built or deployed.", "checks:"]),
    ...indent(checks.flatMap((check) => checkLines(check, answers))),
    "",
    `# What a deployment replaces.${draft.backing.length === 0 ? "" : ` The compose file's other services are started once and left alone: ${draft.backing.join(", ")}.`}`,
    "services:",
    ...indent(draft.services.flatMap(serviceLines)),
    ...migrationLines(draft),
    "",
    "environments:",
    ...indent(
      answers.environments.flatMap((environment, index) => [
        ...(index === 0 ? [] : [""]),
        ...environmentLines(environment, draft, answers),
      ]),
    ),
  ];
  const text = `${lines.join("\n")}\n`;
  return { text, examples: exampleLines(text) };
}

const example = /\bexample\.(?:com|org)\b/;

/** Lines that nothing can be deployed with, by number: they hold names that belong to nobody, or nothing. */
function exampleLines(text: string): readonly string[] {
  return text.split("\n").flatMap((line, index) => {
    const shown = line.replace(/\s+#.*$/, "");
    const empty = /^\s+[A-Z][A-Z0-9_]*: ""$/.test(shown);
    return (example.test(shown) || empty) && !shown.trimStart().startsWith("#")
      ? [`${index + 1}: ${shown.trim()}`]
      : [];
  });
}

function registryLines({ registry }: Answers): readonly string[] {
  if (registry === undefined)
    return ["# Without the key registry, images travel to the hosts over SSH: the layers alone that these lack."];
  return [
    "# Where images are pushed to and pulled from. The password is read from the variable of that name.",
    "registry:",
    `  address: ${scalar(registry.address)}`,
    ...(registry.insecure ? ["  insecure: true"] : []),
    '  username: "${REGISTRY_USERNAME}"',
    "  password: REGISTRY_PASSWORD",
  ];
}

function imageLines(image: ImageDraft, { buildNetwork }: Answers): readonly string[] {
  return [
    `${image.name}:`,
    ...indent([
      `context: ${image.context === "" ? "." : scalar(image.context)}`,
      ...(image.dockerfile === undefined ? [] : [`dockerfile: ${scalar(image.dockerfile)}`]),
      ...(image.target === undefined ? [] : [`target: ${scalar(image.target)}`]),
      ...(buildNetwork === undefined ? [] : [`network: ${buildNetwork}`]),
      ...(image.args.length === 0 ? [] : ["# Baked in, so each environment has an image of its own."]),
      ...block("args", image.args),
    ]),
  ];
}

function checkLines(check: CheckDraft, { buildNetwork }: Answers): readonly string[] {
  const services = Object.entries(check.services);
  const matrix = Object.entries(check.matrix);
  return [
    `# ${check.from}`,
    `${check.name}:`,
    ...indent([
      `image: ${scalar(check.image)}`,
      ...(matrix.length === 0
        ? []
        : [
            "matrix:",
            ...matrix.map(
              ([name, values]) => `  ${name}: [${values.map((value) => JSON.stringify(value)).join(", ")}]`,
            ),
          ]),
      ...(check.needs.length === 0 ? [] : [`needs: ${flowList(check.needs)}`]),
      ...(check.directory === "" ? [] : [`directory: ${scalar(check.directory)}`]),
      ...runLines(check.run),
      ...block("env", Object.entries(check.env)),
      ...(check.secrets.length === 0 ? [] : [`secrets: ${flowList(check.secrets)}`]),
      ...(services.length === 0 ? [] : ["services:"]),
      ...indent(
        services.flatMap(([name, service]) => [
          `${name}:`,
          ...indent([
            `image: ${scalar(service.image)}`,
            ...block("env", Object.entries(service.env)),
            ...(service.health === undefined ? [] : [`health: ${scalar(service.health)}`]),
          ]),
        ]),
      ),
      ...(check.caches.length === 0
        ? []
        : ["caches:", ...check.caches.map(({ path, key }) => `  - { path: ${scalar(path)}, key: ${flowList(key)} }`)]),
      ...(check.timeout === undefined ? [] : [`timeout: ${check.timeout}`]),
      // A network of the machine's own has no names for services.
      ...(buildNetwork === undefined || services.length > 0 ? [] : [`network: ${buildNetwork}`]),
    ]),
  ];
}

function runLines(run: string): readonly string[] {
  const lines = run.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 1 && /^[\w][\w ./=@:-]*$/.test(run) && !/: | #|:$/.test(run)) return [`run: ${run}`];
  return ["run: |", ...lines.map((line) => `  ${line}`)];
}

function serviceLines(service: ServiceDraft): readonly string[] {
  const comments = [service.comment, service.health.kind === "command" ? service.health.comment : undefined].flatMap(
    (one) => one ?? [],
  );
  return [
    ...comments.map((comment) => `# ${comment}`),
    `${service.name}:`,
    ...indent([
      `image: ${service.image}`,
      ...(service.port === null ? [] : [`port: ${service.port}`]),
      ...healthLines(service.health),
      ...(service.route === null
        ? []
        : [`route: ${JSON.stringify(`${service.route.before}\${${hostVariable}}${service.route.path}`)}`]),
      ...(service.port === null && service.health.kind === "command" && service.health.command[0] === "sh"
        ? ["stopGrace: 60s"]
        : []),
    ]),
  ];
}

function healthLines(health: Health): readonly string[] {
  switch (health.kind) {
    case "http":
      return [`health: ${scalar(health.path)}`];
    case "tcp":
      return [
        "# No health path was found: that it listens does not say that it works. A path such as /health does.",
        "health: { tcp: true }",
      ];
    case "docker":
      return ["health: { docker: true }"];
    case "command":
      return [`health: { command: ${flowList(health.command)} }`];
  }
}

function migrationLines({ migrations }: Draft): readonly string[] {
  if (migrations === null) return [];
  return [
    "",
    "# Once per release, before traffic moves. Old and new release run beside each other for a while: both have to understand the schema.",
    "migrations:",
    `  service: ${migrations.service}`,
    `  command: ${flowList(migrations.command)}`,
  ];
}

function environmentLines(environment: EnvironmentAnswers, draft: Draft, { tls }: Answers): readonly string[] {
  const routed = draft.services.some(({ route }) => route !== null);
  const domain = environment.domain ?? `${environment.name}.example.com`;
  const hosts = environment.hosts.length === 0 ? [`deploy@${environment.name}.example.com`] : environment.hosts;
  const proxy = [
    ...(draft.ownProxy ? ["http: 8080", "https: 8443"] : []),
    ...(tls === undefined ? [] : [`tls: ${JSON.stringify(tls)}`]),
  ];
  const variables = [
    ...(routed ? [[hostVariable, domain] as const] : []),
    ...draft.variables.map((wanted) => [wanted.name, standardValue(wanted, domain, draft)] as const),
  ];
  return [
    `${environment.name}:`,
    ...indent([
      "target:",
      "  compose:",
      `    hosts: ${flowList(hosts)}`,
      ...(proxy.length === 0 ? [] : [`    proxy: { ${proxy.join(", ")} }`]),
      ...block("variables", variables),
      ...(draft.secrets.length === 0
        ? []
        : ["# Names; their values come from the environment of the command.", `secrets: ${flowList(draft.secrets)}`]),
    ]),
  ];
}

/** What a variable begins with: what the example has, unless that leads to the developer's own machine; an address of the environment; or nothing. */
function standardValue({ name, example: given }: Wanted, domain: string, draft: Draft): string {
  if (given !== undefined && !/localhost|127\.0\.0\.1/.test(given) && !given.includes("${")) return given;
  if (!/(URL|URI|ORIGIN|ENDPOINT|HOST|DOMAIN)S?$/.test(name))
    return given === undefined || given.includes("${") || /localhost/.test(given) ? "" : given;
  const api = draft.services.find(
    (service) => /api|backend|server/.test(service.name) && service.route !== null,
  )?.route;
  const route = /API|BACKEND|SERVER/.test(name) && api !== undefined && api !== null ? api : { before: "", path: "" };
  const host = `${route.before}${domain}`;
  return /(HOST|DOMAIN)S?$/.test(name) ? host : `https://${host}${route.path}`;
}
