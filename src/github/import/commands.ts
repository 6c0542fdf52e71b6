import { dockerCall } from "../read/shell/docker.ts";
import { lineOf, pastOptions } from "../read/shell/program.ts";
import type { Ran } from "../read/scripts.ts";
import type { Migration } from "./types.ts";

/** What a command of a deployment is for, and what becomes of it. */
export type Sense =
  /** Shiplock does it without being told. */
  | { readonly kind: "covered" }
  | { readonly kind: "migration"; readonly migration: Migration }
  | { readonly kind: "look"; readonly url: string }
  | { readonly kind: "notice"; readonly webhook: string }
  | { readonly kind: "left"; readonly why: string; readonly instead: string };

const covered: Sense = { kind: "covered" };
const migrates =
  /migrat|\balembic\b|\bupgrade head\b|prisma|\bdb:(?:push|deploy)\b|flyway|knex|goose|sequelize|typeorm/i;
const plain = new Set([
  ...[
    "cd",
    "echo",
    "printf",
    "set",
    "export",
    "mkdir",
    "chmod",
    "chown",
    "sleep",
    "true",
    "exit",
    "break",
    "continue",
    "return",
    ":",
    "cat",
    "ls",
    "pwd",
    "test",
    "[",
    "[[",
  ],
  ...[
    "if",
    "then",
    "fi",
    "for",
    "do",
    "done",
    "while",
    "eval",
    "ssh-agent",
    "ssh-add",
    "ssh-keyscan",
    "ssh",
    "scp",
    "rsync",
    "rm",
  ],
  ...[
    "cp",
    "mv",
    "touch",
    "tee",
    "date",
    "wait",
    "source",
    ".",
    "trap",
    "read",
    "id",
    "whoami",
    "grep",
    "sed",
    "awk",
    "jq",
    "tr",
    "head",
    "tail",
    "base64",
    "install",
    "sh",
    "bash",
  ],
]);

/** What a command of a job that deploys is for. */
export function senseOf(ran: Ran): Sense {
  const { program, command, script } = ran;
  const words = program.args.map(({ text }) => text);
  const line = lineOf(command);
  const docker = dockerCall(program);
  if (docker !== null)
    return senseOfDocker(
      docker.verb,
      docker.args.map(({ text }) => text),
      line,
    );
  if (program.name === "curl" || program.name === "wget") return senseOfRequest(words);
  if (program.name === "git")
    return /^(?:push|tag|commit)$/.test(words.find((word) => !word.startsWith("-")) ?? "")
      ? left(
          "it changes the repository",
          "`shiplock` marks deployed commits with tags itself (`tagPrefix`); for more, a hook `after`",
        )
      : covered;
  switch (program.name) {
    case "kubectl":
    case "helm":
    case "oc":
      return left("it deploys to a cluster", "keep this workflow: Shiplock releases to hosts with Docker by SSH");
    case "aws":
    case "gcloud":
    case "az":
    case "fly":
    case "flyctl":
    case "vercel":
    case "netlify":
    case "terraform":
    case "tofu":
    case "pulumi":
    case "ansible-playbook":
      return left(
        "it works on a platform or its infrastructure",
        "keep a workflow of your own for it, or run it as one of the environment's `hooks`",
      );
    case "systemctl":
    case "service":
    case "pm2":
    case "supervisorctl":
      return left(
        "a process outside of containers is restarted",
        "make it a service of the compose file; Shiplock replaces containers",
      );
    case "apt":
    case "apt-get":
      return left(
        "it installs packages",
        "install on hosts once, by `shiplock doctor`'s list; what the application needs belongs into its image",
      );
    default:
      break;
  }
  if (plain.has(program.name) || /^[A-Za-z_]\w*=/.test(program.name)) return covered;
  if (migrates.test(line) && script.where === "host")
    return left("it migrates outside of a container", "give `migrations` the service and the command in its image");
  return left(
    script.where === "host"
      ? "it runs on the host, outside of containers"
      : "it is a command of your own beside the deployment",
    "if it belongs to a deployment, make it one of `hooks` (docs/hooks.md); what builds or checks belongs into `checks` or the Dockerfile",
  );
}

function senseOfDocker(verb: string, args: readonly string[], line: string): Sense {
  if (verb === "compose run" || verb === "compose exec" || verb === "exec" || verb === "run") {
    const migration = migrationIn(verb, args);
    if (migration !== null && migrates.test(line)) return { kind: "migration", migration };
    if (verb === "run")
      return left(
        "a container is started without a compose file",
        "write its ports, volumes and variables into a compose file and name the service under `services`",
      );
    return left(
      "a command runs in a container of the release",
      "make it one of `hooks`, or `smoke` with `command` where it looks whether the release works",
    );
  }
  if (/^stack |^service /.test(verb))
    return left("it deploys to a swarm", "keep this workflow: Shiplock releases to hosts with Docker by SSH");
  return covered;
}

const runValued = [
  "-e",
  "--env",
  "-w",
  "--workdir",
  "-u",
  "--user",
  "-v",
  "--volume",
  "--name",
  "--entrypoint",
  "--network",
  "--env-file",
  "-p",
  "--publish",
  "-l",
  "--index",
];

/** The service and command of `docker compose run api alembic upgrade head`; of `docker exec` the container stands for the service. */
function migrationIn(verb: string, args: readonly string[]): Migration | null {
  if (verb === "run") return null;
  const rest = pastOptions(
    args.map((text) => ({ text, offsets: [], quoted: false })),
    runValued,
  ).map(({ text }) => text);
  const [service, ...command] = rest;
  if (service === undefined || command.length === 0 || !/^[\w-]+$/.test(service)) return null;
  return command.some((word) => /\$|`/.test(word)) ? null : { service, command };
}

function senseOfRequest(words: readonly string[]): Sense {
  const url = words.find((word) => /^https?:\/\//.test(word)) ?? words.find((word) => /^["']?\$/.test(word));
  const address = url ?? "";
  if (/hooks\.slack\.com|SLACK/i.test(address)) return { kind: "notice", webhook: address };
  if (/discord|telegram|teams|webhook/i.test(address))
    return left("it tells somebody", "name an endpoint under `notify` (`webhook`), or keep the call as a hook `after`");
  if (
    words.some(
      (word, at) =>
        /^-d|^--data|^-F|^--form|^--json/.test(word) ||
        (/^(?:-X|--request)$/.test(word) && !/^(?:GET|HEAD)$/i.test(words[at + 1] ?? "")),
    )
  )
    return left(
      "it tells another system something",
      "make it one of `hooks` (`after`), with the secret under its `secrets`",
    );
  return url === undefined ? covered : { kind: "look", url };
}

function left(why: string, instead: string): Sense {
  return { kind: "left", why, instead };
}
