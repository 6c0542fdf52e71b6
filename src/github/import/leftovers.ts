import { isLeftOut } from "../../config/init/workflow-checks.ts";
import { buildsOf } from "./builds.ts";
import { senseOfAction } from "./actions.ts";
import { senseOf } from "./commands.ts";
import type { JobFacts, Project, StepFacts } from "../read/project.ts";
import { lineOf } from "../read/shell/program.ts";
import { headline, secretIn } from "./texts.ts";
import type { Found, Left, Notice } from "./types.ts";

/** Machines that no container of ours runs on. */
const elsewhere = /windows|macos/;

export type Rest = { readonly left: readonly Left[]; readonly notices: readonly Found<Notice>[] };

/**
 * Everything that steps do beside what became checks, images and environments: who is told, and what is left.
 * @param isCheck whether a job became a check
 */
export function restOf(project: Project, isCheck: (facts: JobFacts) => boolean): Rest {
  const left: Left[] = project.files.flatMap(({ file, problems }) =>
    problems.map(({ place, sentence }) => ({
      file,
      line: place.line,
      what: "the file",
      why: sentence,
      instead: "mend it and import it again",
    })),
  );
  const notices: Found<Notice>[] = [];
  for (const facts of project.jobs) {
    const { job, file } = facts;
    const role = facts.deploys
      ? "deploy"
      : isCheck(facts)
        ? "check"
        : buildsOf(facts, { repository: null }).length > 0
          ? "build"
          : null;
    left.push(...leftOfJob(facts));
    if (role === null) {
      if (job.uses?.value.startsWith("./") === true) continue;
      left.push({
        file,
        line: job.place.line,
        what: `job ${job.id}`,
        why: elsewhere.test(job.runsOn.join(" "))
          ? `it runs on ${job.runsOn.join(", ")}, and checks run in Linux containers`
          : job.uses === null
            ? "nothing in it checks, builds or deploys"
            : "it calls a workflow of another repository, which is not read here",
        instead: "keep it in a workflow of your own; `on.checks` and `statuses` make an environment wait for it",
      });
      continue;
    }
    for (const each of facts.steps) {
      const rest = restOfStep(facts, each, role);
      left.push(...rest.left);
      notices.push(...rest.notices);
    }
  }
  return { left: uniqueLeft(left), notices };
}

function leftOfJob({ job, workflow, file, deploys }: JobFacts): readonly Left[] {
  return [job.concurrency, workflow.concurrency].flatMap((concurrency): Left[] =>
    deploys && concurrency !== null && concurrency.cancel !== null && concurrency.cancel.text === "true"
      ? [
          {
            file,
            line: concurrency.cancel.place.line,
            what: "cancel-in-progress: true",
            why: "a deployment that is stopped halfway leaves nobody knows what",
            instead: "nothing: the later one waits, and `timeout` ends what hangs",
          },
        ]
      : [],
  );
}

function restOfStep(
  facts: JobFacts,
  { file, step, ran }: StepFacts,
  role: "check" | "build" | "deploy",
): { left: readonly Left[]; notices: readonly Found<Notice>[] } {
  const at = { file, line: step.place.line };
  if (step.uses !== null) {
    const sense = senseOfAction(step, role);
    const what = step.uses.value;
    if (sense.kind === "notice") return noticeOf(facts, sense.notice, at, what, role);
    const own =
      sense.kind === "left"
        ? [{ ...at, line: step.uses.place.line, what, why: sense.why, instead: sense.instead }]
        : [];
    return { left: [...own, ...(role === "check" ? [] : leftCommands(ran, file).left)], notices: [] };
  }
  if (step.run === null) return { left: [], notices: [] };
  if (role === "check") {
    return { left: leftOfCheck(facts, { file, step }), notices: [] };
  }
  const commands = leftCommands(ran, file);
  const notices = commands.webhooks.map(({ value, from }) => {
    const entries = [...step.env, ...facts.job.env, ...facts.workflow.env];
    const name = /\$\{?(\w+)\}?$/.exec(value)?.[1];
    const declared = entries.find(({ key }) => key === name)?.value;
    const secret = secretIn(value) ?? (declared?.kind === "text" ? secretIn(declared.text.value) : null);
    return noticeOf(
      facts,
      {
        webhook: secret,
        channel: null,
        token: null,
        failuresOnly: /failure\(\)/.test(step.if?.value ?? ""),
        environments: [],
      },
      from,
      "curl to Slack",
      role,
    );
  });
  return {
    left: [...commands.left, ...notices.flatMap((one) => one.left)],
    notices: notices.flatMap((one) => one.notices),
  };
}

/** What a check does not take over of a step: its command, its condition, variables that only GitHub fills in. */
function leftOfCheck(facts: JobFacts, { file, step }: Pick<StepFacts, "file" | "step">): readonly Left[] {
  if (step.run === null) return [];
  const line = step.run.place.line;
  const what = headline(step.run.value);
  const out = isLeftOut(step.run.value);
  if (out !== null) return [{ file, line, what, ...out }];
  const condition = step.if === null ? null : step.if.value;
  const entries = [...facts.workflow.env, ...facts.job.env, ...step.env];
  return [
    ...(condition === null
      ? []
      : [
          /\b(?:failure|cancelled)\(/.test(condition)
            ? {
                ...{ file, line, what },
                why: "it runs only after a failure",
                instead: "nothing: a check's output is kept, and so are `artifacts` of one that failed",
              }
            : {
                ...{ file, line: step.if?.place.line ?? line, what: `if: ${headline(condition)}` },
                why: "a check runs all of its lines: the step is taken over without its condition",
                instead: "ask for the condition in the shell, or make a check of its own of it",
              },
        ]),
    ...entries.flatMap(({ key, value, place }): Left[] => {
      const text = value.kind === "text" ? value.text.value : "";
      const known = text.replaceAll(/\$\{\{\s*matrix\.[\w-]+\s*\}\}/g, "");
      if (
        !known.includes("${{") ||
        new RegExp(`^\\$\\{\\{\\s*secrets\\.${key.replaceAll(/\W/g, ".")}\\s*\\}\\}$`).test(text)
      )
        return [];
      return [
        {
          ...{ file: facts.file, line: place.line, what: `${key}: ${headline(text)}` },
          why: "only a workflow fills in this expression",
          instead: "`env` with the value itself, or `secrets` with a name that is the same on both sides",
        },
      ];
    }),
  ];
}

function leftCommands(
  ran: StepFacts["ran"],
  file: string,
): { left: readonly Left[]; webhooks: readonly Found<string>[] } {
  const left: Left[] = [];
  const webhooks: Found<string>[] = [];
  for (const each of ran) {
    const from = { file, line: each.place.line };
    if (each.command.substituted) continue;
    const sense = senseOf(each);
    if (sense.kind === "left")
      left.push({ ...from, what: headline(lineOf(each.command)), why: sense.why, instead: sense.instead });
    if (sense.kind === "notice") webhooks.push({ value: sense.webhook, from });
  }
  return { left, webhooks };
}

function noticeOf(
  facts: JobFacts,
  notice: Notice,
  from: Found<unknown>["from"],
  what: string,
  role: "check" | "build" | "deploy",
): { left: readonly Left[]; notices: readonly Found<Notice>[] } {
  const usable =
    notice.webhook !== null || (notice.token !== null && notice.channel !== null && !notice.channel.includes("${{"));
  if (!usable)
    return {
      left: [
        {
          ...from,
          what,
          why: "which secret holds Slack's address, or its token and channel, is not written here",
          instead: "`notify` with `slack: { webhook: NAME }` (docs/notifications.md)",
        },
      ],
      notices: [],
    };
  if (role === "build")
    return {
      left: [
        {
          ...from,
          what,
          why: "images are built on the way of a deployment, which tells its own story",
          instead: "nothing, or `events: [build-failed]` under `notify`",
        },
      ],
      notices: [],
    };
  return {
    left: [],
    notices: [
      {
        value: {
          ...notice,
          environments: role === "deploy" ? facts.environments : [],
          failuresOnly: notice.failuresOnly,
        },
        from,
      },
    ],
  };
}

/** Actions of a step that are told once, however many jobs take them in. */
function uniqueLeft(left: readonly Left[]): readonly Left[] {
  return [...new Map(left.map((one) => [`${one.file}:${one.line}:${one.what}`, one])).values()].sort((a, b) =>
    a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line,
  );
}
