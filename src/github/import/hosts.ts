import { actionOf, inputOf } from "../read/scripts.ts";
import { optionValues, pastOptions } from "../read/shell/program.ts";
import type { StepFacts } from "../read/project.ts";
import { textOf } from "../read/values.ts";
import { filledIn, filledInShell, type Reading } from "./texts.ts";
import type { Found } from "./types.ts";

const sshValued = [
  ...[
    "-b",
    "-c",
    "-D",
    "-E",
    "-e",
    "-F",
    "-I",
    "-i",
    "-J",
    "-L",
    "-l",
    "-m",
    "-O",
    "-o",
    "-p",
    "-Q",
    "-R",
    "-S",
    "-W",
    "-w",
    "-B",
  ],
];

/** Actions that go to a host: their inputs for its address, user and port. */
const inputs: Readonly<Record<string, { readonly host: string; readonly user: string; readonly port: string }>> = {
  "appleboy/ssh-action": { host: "host", user: "username", port: "port" },
  "appleboy/scp-action": { host: "host", user: "username", port: "port" },
  "garygrossgarten/github-action-ssh": { host: "host", user: "username", port: "port" },
  "garygrossgarten/github-action-scp": { host: "host", user: "username", port: "port" },
  "fifsky/ssh-action": { host: "host", user: "user", port: "port" },
  "burnett01/rsync-deployments": { host: "remote_host", user: "remote_user", port: "remote_port" },
  "easingthemes/ssh-deploy": { host: "remote_host", user: "remote_user", port: "remote_port" },
};

/** Whether an action does nothing but copy to a host, or run something there. */
export function goesToHost(action: string): boolean {
  return Object.hasOwn(inputs, action);
}

/** The hosts that a step goes to, as `user@host:port`; what is not known of them stays as it is written. */
export function hostsOf({ file, step, ran }: StepFacts, reading: Reading): readonly Found<string>[] {
  const names = inputs[actionOf(step)];
  const from = { file, line: step.place.line };
  if (names !== undefined) {
    const of = (name: string): string => {
      const text =
        inputOf(step, name)?.value ?? textOf(step.env.find(({ key }) => key.toLowerCase() === name)?.value) ?? "";
      return filledIn(text, reading).trim();
    };
    const host = of(names.host);
    const line = inputOf(step, names.host)?.place.line ?? from.line;
    return host === ""
      ? []
      : host
          .split(/\s*,\s*/)
          .map((one) => ({ value: addressOf(of(names.user), one, of(names.port)), from: { file, line } }));
  }
  const remote = [step.env, reading.facts.job.env].flatMap((entries) =>
    entries.filter(({ key }) => key === "DOCKER_HOST"),
  );
  const byDocker = remote.flatMap(({ value, place }) => {
    const address = /^ssh:\/\/(.+)$/.exec(filledIn(textOf(value) ?? "", reading))?.[1];
    return address === undefined ? [] : [{ value: address, from: { file: reading.facts.file, line: place.line } }];
  });
  const byCommand = ran.flatMap(({ program, place, script }): Found<string>[] => {
    if (script.where === "host") return [];
    const at = { file, line: place.line };
    const option = (...flags: readonly string[]): string => {
      const found = optionValues(program.args, ...flags)[0];
      return found === undefined ? "" : filledInShell(found.text, reading);
    };
    if (program.name === "ssh") {
      const target = pastOptions(program.args, sshValued)[0];
      return target === undefined
        ? []
        : [{ value: addressOf(option("-l"), filledInShell(target.text, reading), option("-p")), from: at }];
    }
    if (program.name !== "scp" && program.name !== "rsync") return [];
    const port = option("-P") || (/-p\s*(\d+)/.exec(option("-e", "--rsh"))?.[1] ?? "");
    return program.args.flatMap(({ text }) => {
      const target = /^((?:[\w.-]|\$\{\{[^}]*\}\}|\$\{?\w+\}?|@)+):(?!\/\/)/.exec(text)?.[1];
      return target === undefined ? [] : [{ value: addressOf("", filledInShell(target, reading), port), from: at }];
    });
  });
  return [...byDocker, ...byCommand];
}

function addressOf(user: string, host: string, port: string): string {
  const [, inside, outside] = /^(\S+):(\d+)$/.exec(host) ?? [undefined, host, port];
  const place = user === "" || (inside ?? host).includes("@") ? (inside ?? host) : `${user}@${inside ?? host}`;
  return outside === "" || outside === undefined || outside === "22" ? place : `${place}:${outside}`;
}

/** An address that SSH can be given. */
export function isAddress(text: string): boolean {
  return /^(?:[A-Za-z_][\w.-]*@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/.test(text);
}
