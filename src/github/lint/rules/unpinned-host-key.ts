import type { Project, StepFacts } from "../../read/project.ts";
import { actionOf, inputOf, type Ran } from "../../read/scripts.ts";
import { lineOf } from "../../read/shell/program.ts";
import type { Word } from "../../read/shell/types.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "unpinned-host-key",
  severity: "error",
  title: "SSH believes any host",
  why: "A runner that never saw the host has nothing to compare with, so whoever sits in between gets the deployment's commands, files and secrets.",
  mend: "keep the host's key in a variable or in the repository, write it into known_hosts, and leave StrictHostKeyChecking at yes",
  find,
};

const fingerprinted = new Set(["appleboy/ssh-action", "appleboy/scp-action"]);
const lax = /StrictHostKeyChecking[= ]\s*"?(?:no|off|accept-new)\b|UserKnownHostsFile[= ]\s*"?\/dev\/null/i;

function find(project: Project): readonly Hit[] {
  return project.jobs.flatMap(({ steps }) =>
    steps.flatMap((step) => [
      ...byAction(step),
      ...byVariable(step),
      ...step.ran.flatMap((ran) => byCommand(step, ran)),
    ]),
  );
}

function byAction({ step, file }: StepFacts): readonly Hit[] {
  const action = actionOf(step);
  if (!fingerprinted.has(action) || (inputOf(step, "fingerprint")?.value ?? "") !== "") return [];
  return [
    {
      file,
      place: step.uses?.place ?? step.place,
      sentence: `${action} takes any host key as long as \`fingerprint\` is not given`,
    },
  ];
}

function byVariable({ step, file }: StepFacts): readonly Hit[] {
  return step.env.flatMap(({ key, value }): Hit | readonly Hit[] => {
    if (value.kind !== "text") return [];
    const open =
      (key === "ANSIBLE_HOST_KEY_CHECKING" && /^(?:false|no|0)$/i.test(value.text.value)) ||
      (key === "GIT_SSH_COMMAND" && lax.test(value.text.value));
    return open ? { file, place: value.place, sentence: "this takes any host key for the right one" } : [];
  });
}

function byCommand({ file }: StepFacts, { command, program, script }: Ran): readonly Hit[] {
  // What a command hands on is read as a script of its own.
  const place = (word: Word | undefined): Hit["place"] => script.text.placeAt(word?.offsets[0] ?? command.start);
  if (program.name === "ssh-keyscan") {
    if (isPublicForge(program.args) || comparesKey(script.commands, command.pipeline)) return [];
    return [
      {
        file,
        place: place(command.words[0]),
        sentence:
          "whatever key answers at this moment is taken for the host's: asking the network each time pins nothing",
      },
    ];
  }
  const words = [...command.words, ...command.assignments.map(({ value }) => value)];
  const isSsh = ["ssh", "scp", "sftp", "rsync", "ssh-copy-id", "git", "autossh", "sshfs", "docker", "export"].includes(
    program.name,
  );
  const option = isSsh
    ? words.find((word, at) => lax.test(word.text) || (word.text === "-o" && lax.test(words[at + 1]?.text ?? "")))
    : undefined;
  if (option !== undefined && !carriesScript(program.name, option))
    return [{ file, place: place(option), sentence: "with this option SSH takes any key for the host's" }];
  return writesConfig(command, lineOf(command))
    ? [
        {
          file,
          place: place(command.words[0]),
          sentence: "this writes a configuration with which SSH takes any key for the host's",
        },
      ]
    : [];
}

/** The remote script of `ssh` may speak of SSH too, and is read apart. */
function carriesScript(program: string, { text }: Word): boolean {
  return program === "ssh" && /\n|;|&&/.test(text);
}

/** The keys of public forges come from elsewhere, and no deployment goes there. */
function isPublicForge(args: readonly Word[]): boolean {
  const hosts = args.filter(({ text }, at) => !text.startsWith("-") && !/^-[pTt]$/.test(args[at - 1]?.text ?? ""));
  return (
    hosts.length > 0 &&
    hosts.every(({ text }) => /^(?:github\.com|gitlab\.com|bitbucket\.org|ssh\.dev\.azure\.com)$/.test(text))
  );
}

/** The key is held against a known fingerprint. */
function comparesKey(commands: readonly Ran["command"][], pipeline: number): boolean {
  return commands.some(
    (each) => each.pipeline === pipeline && each.words.some(({ text }) => /ssh-keygen$|^(?:grep|diff)$/.test(text)),
  );
}

function writesConfig({ redirects }: Ran["command"], line: string): boolean {
  const target =
    redirects.find(({ operator, target: name }) => operator.startsWith(">") && name !== null)?.target?.text ?? "";
  const text = `${line}\n${redirects.map(({ body }) => body?.text ?? "").join("\n")}`;
  return /ssh(?:d?_config|\/config)/.test(`${target} ${line}`) && lax.test(text);
}
