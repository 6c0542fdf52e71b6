import type { DeploymentEvent } from "../deploy/request.ts";
import { holdText } from "../environments/queue/holds.ts";
import { obstacles } from "../environments/gates/judge.ts";
import type { StepEvent } from "../deploy/run.ts";
import type { WatchNews } from "../deploy/watch.ts";
import type { Plan } from "../deploy/types.ts";
import { checklistLines, checklistShort } from "./checklist-lines.ts";
import { type Output, printable } from "./output.ts";

/** Shows a deployment while it runs: a line per step that acted or failed, with its time. In a pipe the same lines, plain. */
export function showProgress(output: Output): (event: DeploymentEvent) => void {
  const began = new Map<string, number>();
  const { paint } = output;
  let lastJudgement = "";
  let asksPeople = false;
  const environments = new Map<string, string>();
  /** Requests of others that are carried out here. */
  const taken = new Set<string>();

  function step(event: StepEvent): void {
    const name = event.step.id;
    const at = Date.parse(event.at);
    switch (event.kind) {
      case "step-began":
      case "undo-began":
        began.set(name, at);
        return;
      case "step-log":
        return output.line(`    ${paint.dim(`${event.step.host ?? ""} │`)} ${printable(event.text ?? "")}`);
      case "step-done": {
        const done = event.evidence?.acted === true || event.step.host === null ? paint.green("✓") : paint.dim("·");
        const mark = event.evidence?.failed === true ? paint.yellow("✗") : done;
        return output.line(
          `  ${mark} ${label(event)} ${paint.dim(`${event.evidence?.summary ?? ""} (${seconds(at - (began.get(name) ?? at))})`)}`,
        );
      }
      case "step-failed":
        return output.line(`  ${paint.red("✗")} ${label(event)}: ${printable(event.text ?? "")}`);
      case "undo-done":
        if (event.evidence?.acted !== true) return;
        return output.line(
          `  ${paint.yellow("↶")} ${label(event)} ${paint.dim(`${event.evidence.summary} (${seconds(at - (began.get(name) ?? at))})`)}`,
        );
      case "undo-failed":
        return output.line(`  ${paint.red("✗")} going back at ${name}: ${printable(event.text ?? "")}`);
    }
  }

  /** What the gates say, once for each change of their answers; that all pass is seen by what follows. */
  function judged({ judgement }: Extract<DeploymentEvent, { kind: "judged" }>): void {
    const against = obstacles(judgement);
    const text = against.map(({ gate, answer, reason }) => `  ${paint.yellow(gate.padEnd(10))} ${answer}s: ${reason}`);
    text.push(
      ...judgement.passedByEmergency.map(
        ({ gate, reason }) => `  ${paint.red(gate.padEnd(10))} passed as an emergency; it said: ${printable(reason)}`,
      ),
    );
    if (text.join() === lastJudgement) return;
    lastJudgement = text.join();
    asksPeople = against.some(({ gate, answer }) => gate === "reviewers" && answer === "wait");
    for (const line of text) output.line(line);
  }

  function watched(release: string, news: WatchNews): void {
    switch (news.kind) {
      case "began":
        return output.line(
          `watching ${release} until ${news.until} ${paint.dim("(Ctrl-C ends the watch and leaves the release live)")}`,
        );
      case "saw":
        for (const problem of news.problems) output.line(`  ${paint.red("bad")} ${printable(problem)}`);
        for (const sentence of news.unseen) output.line(`  ${paint.yellow("not seen")} ${printable(sentence)}`);
        if (news.problems.length + news.unseen.length === 0) output.line(`  ${paint.green("healthy again")}`);
        return;
      case "ended":
        return output.line(`watch of ${release}: ${printable(news.end.said)}`);
    }
  }

  /** What a request waits for was said with the gates' answers; this is what can be done about it. */
  function waysOn(deployment: string): string {
    const named = `${environments.get(deployment) ?? "ENV"} ${deployment}`;
    const ways = [
      ...(asksPeople ? [`\`shiplock approve ${named}\` from a reviewer`] : []),
      `\`shiplock cancel ${named}\` calls it off`,
    ];
    return `it can begin once they pass; ${ways.join(", ")}`;
  }

  return (event) => {
    output.event(streamed(event));
    switch (event.kind) {
      case "lease-held":
        return output.line(
          `waiting for ${event.owner.who}, who is changing this environment from ${event.owner.from} since ${event.owner.since} (\`${event.owner.command}\`)`,
        );
      case "lease-taken":
        if (event.tookOver !== null)
          output.line(
            paint.yellow(`took over from ${event.tookOver.who} (${event.tookOver.from}), whose session was ended`),
          );
        return;
      case "emergency":
        return output.line(
          `${paint.red("an emergency")} by ${event.review.by.name}: ${printable(event.review.reason)}; somebody else has to look at it by ${event.review.dueBy}`,
        );
      case "hold-taken-over":
        return output.line(`${paint.yellow("in spite of the hold")}: ${printable(holdText(event.hold))}`);
      case "freeze-overridden":
        return output.line(`${paint.yellow("in spite of the freeze")}: ${printable(event.reason)}`);
      case "planned":
        output.line(`${purposes[event.purpose]}${planHeading(event.plan, output)}`);
        for (const line of notesOf(event.plan, output)) output.line(line);
        if (event.purpose === "run")
          for (const line of checklistShort(event.plan.checklist ?? [], output)) output.line(line);
        return;
      case "step":
        return step(event.event);
      case "requested":
        environments.set(event.ticket.deployment, event.environment);
        return;
      case "requested-early":
        return;
      case "judged":
        return judged(event);
      case "behind":
        return output.line(`waiting for ${event.ticket.deployment} of ${event.ticket.origin.who}, which comes first`);
      case "taken-up":
        taken.add(event.ticket.deployment);
        return output.line(
          paint.yellow(
            `${event.ticket.deployment} of ${event.ticket.origin.who}, ${event.ticket.release}, whose command is gone, is taken up here`,
          ),
        );
      case "unwatched": {
        const { deployment, release, next, wantsRollback } = event;
        output.line(`${release} of ${deployment} is not watched: ${next} comes next`);
        if (wantsRollback !== null)
          output.note(`warning: ${printable(wantsRollback)}; it is not taken back by itself, since ${next} comes next`);
        return;
      }
      case "passed-over":
        return output.note(`warning: ${event.ticket.deployment} comes first and was left to others: ${event.reason}`);
      case "watch":
        return watched(event.release, event.news);
      case "state":
        if (event.state === "waiting")
          output.line(`${paint.yellow("waiting")} (${event.deployment}): ${waysOn(event.deployment)}`);
        else if (taken.has(event.deployment) && event.state !== "running")
          output.line(`${event.deployment}: ${event.state}: ${printable(event.outcome ?? "")}`);
        return;
    }
  };
}

/** A plan for a person: what, from where, which steps, and what to know beforehand. */
export function planText(plan: Plan, output: Output): string {
  const { paint } = output;
  const lines = [planHeading(plan, output)];
  for (const host of [...plan.hosts, null]) {
    const steps = plan.steps.filter((step) => step.host === host);
    if (steps.length === 0) continue;
    lines.push(
      paint.bold(`  ${host ?? "whole environment"}`),
      ...steps.map((step) => `    ${paint.dim(step.action.kind.padEnd(10))} ${step.title}`),
    );
  }
  const { checklist = [] } = plan;
  if (checklist.length > 0) lines.push(paint.bold("  readiness"), ...checklistLines(checklist, output));
  return [...lines, ...notesOf(plan, output)].join("\n");
}

function notesOf(plan: Plan, { paint }: Output): string[] {
  return plan.notes.length === 0 ? [] : [paint.bold("  to know"), ...plan.notes.map((note) => `    ${note}`)];
}

/** Before the heading: whether a plan is run for the first time, taken up again, or taken back. */
const purposes = { run: "", resume: "going on with ", abort: "taking back " } as const;

function planHeading(plan: Plan, output: Output): string {
  const { paint } = output;
  const from = plan.from === null ? "nothing" : plan.from;
  const slot = plan.place === "direct" ? "in place" : `slot ${plan.place}${plan.warm ? ", kept containers" : ""}`;
  const without = plan.skipped.length === 0 ? "" : `; without ${plan.skipped.join(", ")}`;
  return `${paint.bold(`${plan.kind} ${plan.project} to ${plan.environment}`)}: ${from} → ${paint.bold(plan.to)} (${plan.strategy}, ${slot}, ${plan.hosts.join(", ")}${without})`;
}

function label(event: StepEvent): string {
  return event.step.host === null ? event.step.title : `${event.step.host}: ${event.step.title}`;
}

function streamed(event: DeploymentEvent): unknown {
  if (event.kind === "planned") {
    const { release, snapshot } = event.document;
    const { commit, subject, ref } = release;
    const about = { release: { commit, subject, ref }, publicUrls: snapshot.publicUrls };
    return { kind: "planned", purpose: event.purpose, plan: event.plan, ...about };
  }
  if (event.kind !== "step") return event;
  const { step, ...rest } = event.event;
  return { ...rest, step: step.id, host: step.host, action: step.action.kind, title: step.title };
}

function seconds(milliseconds: number): string {
  return milliseconds < 1_000 ? `${milliseconds} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;
}
