import * as z from "zod";
import { gates } from "./schema-gates.ts";
import { hooks, watch } from "./schema-hooks.ts";
import * as part from "./schema-parts.ts";
import { environmentScan } from "./schema-scan.ts";
import { secretChoices } from "./schema-secrets.ts";

function host() {
  const shape = z.strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9.:_-]*$/, "must be letters, digits, dots, colons, hyphens and underscores")
      .optional()
      .describe("Name of the host in output and in `home`. Default: its address."),
    ssh: sshDestination().optional().describe("`user@host`, `user@host:port`, or an alias of your ssh_config."),
    local: z.literal(true).optional().describe("The machine that Shiplock runs on, without SSH."),
  });
  return z.union([sshDestination(), part.oneKeyOf(shape, ["ssh", "local"])]);
}

// Nothing that ssh could take for an option (a leading hyphen) or a shell for more than a word.
function sshDestination() {
  return z
    .string()
    .regex(
      /^(?:[A-Za-z_][A-Za-z0-9._-]*@)?(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/,
      'must be "user@host", "user@host:port" or an alias of your ssh_config',
    );
}

function composeTarget() {
  return z.strictObject({
    hosts: z.array(host()).min(1).max(50).describe("The hosts, 1 to 50. They are reached by the system's `ssh`."),
    home: z
      .string()
      .optional()
      .describe("Name of the host whose environment record is the authority. Default: the first."),
    folder: z
      .string()
      .regex(
        /^(?:~|\/)(?!.*\/\.\.?(?:\/|$))[A-Za-z0-9._/-]*$/,
        'must be an absolute path, or start with "~/", of letters, digits, dots, hyphens and underscores',
      )
      .optional()
      .describe('Shiplock\'s folder on each host. Default: "~/.shiplock".'),
    connectTimeout: part
      .durationFrom(1000, "1s")
      .optional()
      .describe('For connecting to a host, until it counts as one that does not answer. Default: "20s".'),
    proxy: z
      .strictObject({
        http: part.port().optional().describe("Port for HTTP. Default: 80."),
        https: part.port().optional().describe("Port for HTTPS. Default: 443."),
        image: part.filledText().optional().describe("Image of the proxy, Caddy 2.6 or newer. Default: `caddy:2`."),
        tls: z
          .enum(["auto", "internal", "off"])
          .optional()
          .describe(
            "`auto`: certificates by ACME, which renew themselves; `internal`: the proxy's own authority; `off`: HTTP alone. Default: `auto`.",
          ),
        acme: acme().optional().describe("Where the certificates of `tls: auto` come from. Default: Let's Encrypt."),
      })
      .optional()
      .describe(
        "The proxy of the hosts. The edge on 80 and 443 is shared by all projects and keeps what it was set up with.",
      ),
  });
}

function acme() {
  return z.strictObject({
    directory: z
      .string()
      .regex(/^https:\/\/[!-~]+$/, 'must be an address that starts with "https://"')
      .optional()
      .describe("ACME directory of an authority of your own, such as step-ca. Default: Let's Encrypt."),
    email: part.filledText().optional().describe("Address that the authority writes to about certificates."),
    trustedRoot: part
      .filledText()
      .optional()
      .describe("PEM file with the root certificate that the directory itself is trusted by, relative to this file."),
  });
}

function strategy() {
  const rolling = z.strictObject({
    maxSurge: part.amount(0).optional().describe('Replicas beside the old ones, a number or a share. Default: "100%".'),
    maxUnavailable: part
      .amount(0)
      .optional()
      .describe("Replicas that may be missing meanwhile, a number or a share. Default: 0."),
    batch: part.amount(1).optional().describe('Hosts in one batch, a number or a share. Default: "100%".'),
    parallel: z.int().min(1).max(50).optional().describe("Hosts worked on at the same moment. Default: 8."),
  });
  const shape = z.strictObject({
    rolling: rolling.optional().describe("Beside the old release, replica by replica, nothing dropped."),
    recreate: z.strictObject({}).optional().describe("Old release stopped, then the new one started: has a gap."),
    "in-place": z
      .strictObject({})
      .optional()
      .describe("As `recreate`, without slots, for the smallest set-ups: has a gap."),
  });
  const keys = ["rolling", "recreate", "in-place"] as const;
  return z.union([z.enum(keys), part.oneKeyOf(shape, keys)]);
}

function smokeTest() {
  const shape = z.strictObject({
    get: part.pathname().optional().describe("Path to ask for by HTTP."),
    command: part
      .command()
      .optional()
      .describe("Command in a container of the service, as a list of arguments; passes with exit code 0."),
    service: z.string().optional().describe("Which service. Default: the only one with a port."),
    status: part.status().optional().describe("Status code, or a list of them, that passes. Default: any 2xx."),
    body: part.filledText().optional().describe("Text that the body has to contain."),
    header: z
      .record(z.string().regex(/^[A-Za-z0-9-]+$/, "must be the name of an HTTP header"), part.text())
      .optional()
      .describe("Headers with the value they must have."),
    json: z
      .record(part.filledText(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
      .optional()
      .describe("Dotted paths into the JSON answer with the value they must have."),
    timeout: part.durationFrom(1, "1ms").optional().describe('For one try. Default: "10s".'),
  });
  return part.oneKeyOf(shape, ["get", "command"]);
}

function secrets() {
  const names = () => z.array(part.variableName("secret"));
  return z.union([
    names(),
    z.strictObject({
      names: names().describe("Names of the secrets; their values come from `providers`."),
      onHost: z
        .boolean()
        .optional()
        .describe("Keep the values on the hosts (mode 0600), for going back by hand. Default: false."),
      ...secretChoices(),
    }),
  ]);
}

export function migrations() {
  const shape = z.strictObject({
    service: z
      .string()
      .optional()
      .describe("Released service whose new image, variables and networks the migration gets."),
    image: z.string().optional().describe("Image to run, where no service fits."),
    command: part.command().describe("Command as a list of arguments."),
    timeout: part.durationFrom(1000, "1s").optional().describe('Default: "10m".'),
  });
  return part.oneKeyOf(shape, ["service", "image"]);
}

export function environment() {
  return z.strictObject({
    target: part
      .oneKeyOf(
        z.strictObject({
          compose: composeTarget().optional().describe("Containers on hosts reached over SSH, from your compose file."),
        }),
        ["compose"],
      )
      .describe("What carries the containers."),
    variables: z
      .record(part.variableName("plain"), part.text())
      .optional()
      .describe(
        "Variables of this environment: for the compose file, and for `${NAME}` in this file. Taken as they are.",
      ),
    secrets: secrets()
      .optional()
      .describe("Names of secrets that the containers need, or a mapping with more choices."),
    ...gates(),
    strategy: strategy()
      .optional()
      .describe("`rolling`, `recreate`, `in-place`, or a mapping with options. Default: `rolling`."),
    smoke: z
      .array(smokeTest())
      .optional()
      .describe("Tests of the new release before traffic reaches it, and of the public URL after."),
    url: part.filledText().optional().describe("Public URL, shown and verified. May hold `${NAME}`."),
    verifyUrl: part.filledText().optional().describe("URL that verification asks instead. Default: `url`."),
    bake: part.duration().optional().describe('How long the release must stay healthy under traffic. Default: "5s".'),
    timeout: part.durationFrom(1000, "1s").optional().describe('For a whole deployment. Default: "15m".'),
    lease: z
      .strictObject({
        ttl: part
          .durationFrom(5000, "5s")
          .optional()
          .describe('How long the lease outlives its last heartbeat. Default: "30s".'),
      })
      .optional()
      .describe("The exclusive right to change the environment."),
    room: z
      .strictObject({
        memory: part
          .size()
          .optional()
          .describe(
            "Memory that has to be free on each host for the new release to start beside the old one. Default: the memory limits of its services, added up.",
          ),
        disk: part
          .size()
          .optional()
          .describe(
            "What stays free on the disk of each host's engine after the new images are pulled. Default: 500MB.",
          ),
        onShortage: z
          .enum(["refuse", "recreate"])
          .optional()
          .describe(
            "With too little memory: `refuse`, or `recreate` this once, which stops the old release first and has a gap. Default: `refuse`.",
          ),
      })
      .optional()
      .describe("Room for two releases at once."),
    scan: environmentScan()
      .optional()
      .describe("`off` (or `false`), or what blocks here. Default: the project's `scan`."),
    keep: z.int().min(1).max(100).optional().describe("Successful releases kept for a rollback. Default: 5."),
    tagPrefix: z
      .string()
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,29}$/, "must be letters, digits, dots, hyphens and underscores, at most 30")
      .optional()
      .describe("Beginning of image tags. Default: the environment's name."),
    migrations: z
      .union([z.literal(false), migrations()])
      .optional()
      .describe("Migration of this environment instead of the project's; `false`: none."),
    hooks: hooks()
      .optional()
      .describe("Commands of your own at the points of a deployment here; at each point instead of the project's."),
    watch: watch()
      .optional()
      .describe("A watch over each release after it has become live, which goes back by itself. Default: none."),
  });
}
