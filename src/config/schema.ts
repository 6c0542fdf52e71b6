import * as z from "zod";
import { check } from "./schema-checks.ts";
import { environment, migrations } from "./schema-environment.ts";
import { freeze, teams } from "./schema-gates.ts";
import { github } from "./schema-github.ts";
import { notify } from "./schema-notify.ts";
import { leaks } from "./schema-leaks.ts";
import { hooks } from "./schema-hooks.ts";
import * as part from "./schema-parts.ts";
import { scan } from "./schema-scan.ts";
import { sharedSecrets, sharedVariables } from "./schema-secrets.ts";

function registry() {
  return z.strictObject({
    address: part.repository().describe('Registry and path before the image names: "registry.example.com/shop".'),
    username: part.filledText().optional().describe("User name; may hold `${NAME}`. Given together with `password`."),
    password: part
      .variableName("secret")
      .optional()
      .describe("Name of the environment variable with the password or token, never its value."),
    insecure: z.boolean().optional().describe("Plain HTTP, for a registry in a closed network. Default: false."),
    cache: z
      .union([z.boolean(), part.repository()])
      .optional()
      .describe(
        "Keeps the layer cache of builds in the registry: `true` beside each image, or the full name of a repository for all of them. Default: false.",
      ),
  });
}

function image() {
  const platforms = [
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
    "linux/386",
    "linux/ppc64le",
    "linux/riscv64",
    "linux/s390x",
  ] as const;
  return z.strictObject({
    context: part.filledText().optional().describe('Build context, relative to this file. Default: ".".'),
    dockerfile: part.filledText().optional().describe('Relative to the context. Default: "Dockerfile".'),
    target: part.filledText().optional().describe("Stage of the Dockerfile. Default: the last."),
    platforms: z
      .array(z.enum(platforms))
      .min(1)
      .optional()
      .describe("Platforms to build for. Default: `[linux/amd64]`."),
    args: z
      .record(part.variableName("plain"), part.text())
      .optional()
      .describe(
        "Build arguments. `${NAME}` takes a variable of the environment, which makes the image one per environment.",
      ),
    secrets: z
      .array(part.variableName("secret"))
      .optional()
      .describe("Names of build secrets; they appear in no layer."),
    network: z
      .enum(["default", "host", "none"])
      .optional()
      .describe(
        "Network of the build's `RUN` steps. Default: BuildKit's own; `host` where only this machine reaches the package registry.",
      ),
    public: z
      .boolean()
      .optional()
      .describe(
        "Anybody may pull it. Without this, an image with values of an environment is refused where its registry gives it out without a login. Default: false.",
      ),
    sbom: z
      .boolean()
      .optional()
      .describe("Whether a list of the packages in the image (CycloneDX) is kept with each release. Default: true."),
    repository: part
      .repository()
      .optional()
      .describe(
        "Full name in the registry. Default: `registry.address` and the image's name; without a registry the image travels to the hosts over SSH.",
      ),
  });
}

function health() {
  const shape = z.strictObject({
    http: part.pathname().optional().describe("Path that has to answer by HTTP on the service's port."),
    tcp: z.literal(true).optional().describe("The service's port has to accept connections."),
    docker: z
      .literal(true)
      .optional()
      .describe("The container's own health check (`HEALTHCHECK`, or the compose file's) has to pass."),
    command: part
      .command()
      .optional()
      .describe("Command in the container, as a list of arguments; passes with exit code 0."),
    status: part
      .status()
      .optional()
      .describe("With `http`: status code, or a list of them, that passes. Default: any 2xx."),
    interval: part
      .durationFrom(10, "10ms")
      .optional()
      .describe('Between two probes. Default: "100ms"; "2s" for a command.'),
    timeout: part.durationFrom(1, "1ms").optional().describe('For one probe. Default: "5s"; "30s" for a command.'),
    successes: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe("Passes in a row that count as healthy. Default: 2; 1 for a command or `docker`."),
    startPeriod: part
      .durationFrom(1, "1ms")
      .optional()
      .describe('Time to become healthy after the start. Default: "60s".'),
  });
  return z.union([part.pathname(), part.oneKeyOf(shape, ["http", "tcp", "docker", "command"])]);
}

function service() {
  return z.strictObject({
    image: z.string().describe("Name of one of `images`."),
    port: part.port().optional().describe("Port that the container listens on. None for a worker."),
    health: health().describe("How to know that it runs: a path, or a mapping."),
    route: z
      .union([part.filledText(), z.array(part.filledText()).min(1)])
      .optional()
      .describe('Public host name with optional path, or a list: "shop.example.com/api". May hold `${NAME}`.'),
    replicas: z.int().min(1).max(100).optional().describe("Containers per host. Default: what the compose file says."),
    drain: part.duration().optional().describe('Longest wait for open requests of the old release. Default: "30s".'),
    stopGrace: part.duration().optional().describe("Between SIGTERM and SIGKILL. Default: what the compose file says."),
  });
}

/** What a `shiplock.yml` may hold, before defaults: the one source of validation, editor completion and the table in the documentation. */
export const schema = z.strictObject({
  project: part.environmentName().describe("Name of the project: lower-case letters, digits and hyphens, at most 31."),
  organization: part
    .filledText()
    .optional()
    .describe(
      "File with what several projects have in common, relative to this file: `variables` and `secrets`. `SHIPLOCK_ORGANIZATION` names one too, and is taken first.",
    ),
  variables: sharedVariables()
    .optional()
    .describe("Variables of every environment that has none of that name. Taken as they are."),
  secrets: sharedSecrets()
    .optional()
    .describe("Where secrets of every environment, of builds and of checks come from."),
  compose: z
    .union([part.filledText(), z.array(part.filledText()).min(1)])
    .optional()
    .describe(
      "Compose file, or a list, later ones on top. Default: compose.yaml, compose.yml, docker-compose.yaml or docker-compose.yml.",
    ),
  registry: registry()
    .optional()
    .describe(
      "Where images are pushed to and pulled from. Without it they travel over the SSH connections, without the layers that a host has.",
    ),
  retention: z
    .strictObject({
      registry: z
        .boolean()
        .optional()
        .describe(
          "Whether `shiplock prune` takes images away from the registry too, and not from hosts alone. Default: true.",
        ),
    })
    .optional()
    .describe("What `shiplock prune` may take away. How many releases stay is said by each environment's `keep`."),
  images: z.record(part.imageName(), image()).describe("What is built, by name."),
  checks: z
    .record(part.checkName(), check())
    .optional()
    .describe("The gate: what has to pass for a commit before anything of it is built or deployed, by name."),
  leaks: leaks()
    .optional()
    .describe(
      "The gate: secrets that were committed by mistake block. `off` (or `false`) looks for none. Default: every file of the commit is looked through.",
    ),
  scan: scan().optional().describe("The gate: what is known to be vulnerable in an image blocks it."),
  services: z.record(part.serviceName(), service()).describe("Released services, by their name in the compose file."),
  backing: z
    .array(part.serviceName())
    .optional()
    .describe(
      "Services that a deployment never touches. Default: every service of the compose file that is not released.",
    ),
  migrations: migrations().optional().describe("Run once per release, from the new image, before traffic moves."),
  teams: teams().optional().describe("People who approve deployments, by the name of their team."),
  freeze: freeze().optional().describe("When nothing is deployed, to no environment."),
  github: github().optional().describe("How the project is at home on GitHub: workflows, history, pull requests."),
  notify: notify().optional().describe("Who is told of what happens, and where."),
  hooks: hooks()
    .optional()
    .describe(
      "Commands of your own at the points of a deployment, in every environment that has none of its own there.",
    ),
  environments: z.record(part.environmentName(), environment()).describe("Places to run, by name."),
});

/** A configuration as it is written, in YAML or as the default export of `shiplock.config.ts`. */
export type ConfigInput = z.infer<typeof schema>;

/** Gives `shiplock.config.ts` completion and type checking; returns its argument. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
