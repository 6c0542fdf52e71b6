import { dockerCall } from "./shell/docker.ts";
import { lineOf } from "./shell/program.ts";
import { actionOf, inputOf, type Ran } from "./scripts.ts";
import type { Step } from "./types.ts";

/**
 * How a command looks whether the application works. `patient`: again and again, or it waits by itself; `once`: one look; `unseen`: a program of the
 * project's own that may do it.
 */
export type Look = "patient" | "once" | "unseen";

const waiting = /\b(?:rollout status|kubectl wait|ecs wait|deploy wait|wait-for|wait_for|waitfor)/;
const named = /health|smoke|verify|wait-?for|is-?ready|readiness|probe|e2e|status-check/i;

/** Whether a command looks at what runs; null for one that does not. */
export function lookOf({ command, program }: Ran): Look | null {
  const { name, args } = program;
  const words = args.map(({ text }) => text);
  const line = lineOf(command);
  if (["echo", "printf", "cat", "export", "mkdir", "cp", "mv", "rm", "sleep", "cd", "git", "test", "["].includes(name))
    return null;
  if (waiting.test(`${name} ${words.slice(0, 3).join(" ")}`)) return "patient";
  const docker = dockerCall(program);
  if (docker !== null) {
    if (/exec/.test(docker.verb))
      return /\b(?:curl|wget|nc|pg_isready)\b|health/i.test(line) ? patience(command, line) : null;
    return /\.State\.(?:Health|Status)|health=|"?healthy\b/i.test(line) ? patience(command, line) : null;
  }
  switch (name) {
    case "curl":
    case "wget":
    case "http":
      return asks(words) ? patience(command, line) : null;
    case "nc":
    case "pg_isready":
    case "grpc_health_probe":
      return patience(command, line);
    case "systemctl":
      return words.includes("is-active") ? patience(command, line) : null;
    case "helm":
      return words[0] === "test" ? "patient" : null;
    case "npm":
    case "npx":
    case "pnpm":
    case "yarn":
    case "make":
    case "node":
    case "python":
    case "python3":
    case "newman":
    case "k6":
    case "bash":
    case "sh":
      return "unseen";
    default:
      return named.test(name) || /\.(?:sh|py|js|ts|rb)$/.test(name) ? "unseen" : null;
  }
}

/** Whether a step looks at what runs by other means than a script that is read here. */
export function looksByAction(step: Step): boolean {
  if (step.uses === null) return false;
  const action = actionOf(step);
  if (action === "actions/github-script") return /\bfetch\(|\brequest\(/.test(inputOf(step, "script")?.value ?? "");
  return (
    named.test(action) ||
    /url|ping|playwright|cypress|lighthouse|curl/.test(action) ||
    named.test(step.name?.value ?? "")
  );
}

/** A request that reads, and not one that tells somebody, sends a file or fetches a program. */
function asks(words: readonly string[]): boolean {
  if (words.some((word) => /^(?:-d|-F|-T|--data.*|--form.*|--upload-file|--json|--post-.*)$/.test(word))) return false;
  if (words.some((word, at) => /^(?:-X|--request)$/.test(word) && !/^(?:GET|HEAD)$/i.test(words[at + 1] ?? "")))
    return false;
  if (words.some((word) => /^-X(?!GET|HEAD)\w/.test(word))) return false;
  const target = words.find((_, at) => /^-[A-Za-z]*[oO]$|^--output$/.test(words[at - 1] ?? ""));
  if (target !== undefined && target !== "/dev/null" && target !== "-" && !/^-|^https?:/.test(target)) return false;
  return !words.some((word) =>
    /hooks\.slack|discord\.com|api\.telegram|webhook|get\.docker\.com|raw\.githubusercontent|github\.com\/.*\/releases/i.test(
      word,
    ),
  );
}

function patience({ looped }: Ran["command"], line: string): Look {
  return looped || /--retry\b|--tries\b|(?:^| )-t \d/.test(line) ? "patient" : "once";
}
