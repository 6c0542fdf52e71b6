import type { JobFacts, Project, StepFacts } from "../../read/project.ts";
import type { Ran, Script } from "../../read/scripts.ts";
import { dockerCall } from "../../read/shell/docker.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "remote-errors-ignored",
  severity: "error",
  title: "A script on a host goes on after an error",
  why: "A shell that SSH starts goes on after a command that failed, and the exit code is that of the last one: a pull that failed still restarts the site, and the run is green.",
  mend: "begin the script with `set -eu`, or join its commands with `&&`",
  find,
};

function find(project: Project): readonly Hit[] {
  return project.jobs.flatMap((facts) => facts.steps.flatMap((step) => hitsOf(facts, step)));
}

function hitsOf({ changes }: JobFacts, { file, ran }: StepFacts): readonly Hit[] {
  const scripts = new Set(
    ran.filter(({ script }) => script.where === "host" && !script.stops).map(({ script }) => script),
  );
  return [...scripts].flatMap((script): readonly Hit[] => {
    const change = changes.find((each) => each.ran?.script === script);
    if (change === undefined || trapsErrors(script)) return [];
    const mine = ran.filter((each) => each.script === script && !each.command.substituted);
    const passed = mine.slice(0, -1).find(isPassedOver);
    if (passed === undefined) return [];
    const words = passed.command.words
      .slice(0, 3)
      .map(({ text }) => text)
      .join(" ");
    const sentence = `when \`${words.length > 40 ? `${words.slice(0, 40)}…` : words}\` fails, the script goes on as if it had not, and \`${change.what}\` with it`;
    return [{ file, place: passed.place, sentence }];
  });
}

/** A command whose failure nobody hears of. */
function isPassedOver({ command, program, script }: Ran): boolean {
  if (command.after !== ";" || command.asked || beginsAs(script, command) === "||") return false;
  if (
    [
      "echo",
      "printf",
      "export",
      "set",
      "exit",
      "true",
      ":",
      "sleep",
      "date",
      "trap",
      "unset",
      "read",
      "local",
      "return",
      "source",
      ".",
    ].includes(program.name)
  )
    return false;
  // Tidying up may fail.
  return !/^(?:prune|system prune|rmi|stop|rm|kill|network create|logout|ps|images|logs|compose logs|compose ps|volume prune|builder prune)$/.test(
    dockerCall(program)?.verb ?? "",
  );
}

/** What stands before a pipeline. */
function beginsAs({ commands }: Script, { pipeline, before }: Ran["command"]): string {
  return commands.find((each) => each.pipeline === pipeline)?.before ?? before;
}

function trapsErrors({ commands }: Script): boolean {
  return commands.some(({ words }) => words[0]?.text === "trap" && words.some(({ text }) => text === "ERR"));
}
