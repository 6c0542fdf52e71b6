import type { Program } from "./program.ts";
import type { Word } from "./types.ts";

const globalValued = ["-H", "--host", "-c", "--context", "--config", "-l", "--log-level"];
const composeValued = [
  ...["-f", "--file", "-p", "--project-name", "--env-file", "--profile", "--project-directory"],
  ...["--ansi", "--parallel", "--progress", "-H", "--host", "-c", "--context"],
];

/** A call of Docker: `compose up`, `run`, `stack deploy`, … and what it is told. */
export type DockerCall = {
  readonly verb: string;
  readonly args: readonly Word[];
  /** Options before the verb: `--context`, `--env-file`, … */
  readonly options: readonly Word[];
};

const grouped = new Set(["compose", "stack", "service", "image", "container", "buildx", "context", "system", "volume"]);

/** What Docker is asked to do; null for another program. `container run` and `image pull` have their short names. */
export function dockerCall({ name, args }: Program): DockerCall | null {
  if (name === "docker-compose") return composeCall(args, []);
  if (name !== "docker" && name !== "podman") return null;
  const { before, verb, after } = split(args, globalValued);
  if (verb === "compose") return composeCall(after, before);
  if (!grouped.has(verb)) return { verb, args: after, options: before };
  const inner = split(after, []);
  const short = verb === "container" || verb === "image" ? inner.verb : `${verb} ${inner.verb}`;
  return { verb: verb === "image" && inner.verb === "ls" ? "images" : short, args: inner.after, options: before };
}

function composeCall(args: readonly Word[], before: readonly Word[]): DockerCall {
  const { before: options, verb, after } = split(args, composeValued);
  return { verb: `compose ${verb}`, args: after, options: [...before, ...options] };
}

function split(
  args: readonly Word[],
  valued: readonly string[],
): { before: readonly Word[]; verb: string; after: readonly Word[] } {
  let at = 0;
  for (; at < args.length; at += 1) {
    const text = args[at]?.text ?? "";
    if (valued.includes(text)) at += 1;
    else if (!text.startsWith("-")) break;
  }
  return { before: args.slice(0, at), verb: args[at]?.text ?? "", after: args.slice(at + 1) };
}

const runSwitches = new Set(["-d", "-i", "-t", "-it", "-ti", "-id", "-itd", "-dit", "-P", "-q"]);

/** The image that `docker run` starts; null where it cannot be told which word that is. */
export function runImage(args: readonly Word[]): Word | null {
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at];
    if (word === undefined) return null;
    if (!word.text.startsWith("-")) return word;
    const alone =
      runSwitches.has(word.text) ||
      word.text.includes("=") ||
      /^--(?:detach|rm|init|privileged|interactive|tty|read-only|publish-all|no-healthcheck|quiet|oom-kill-disable|sig-proxy)$/.test(
        word.text,
      ) ||
      /^-[a-zA-Z]{2,}$/.test(word.text);
    if (!alone) at += 1;
  }
  return null;
}
