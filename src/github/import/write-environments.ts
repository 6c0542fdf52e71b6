import { isProduction } from "../read/environments.ts";
import { isPlain } from "../../config/own-branch.ts";
import { refPatternProblem } from "../../config/ref-pattern.ts";
import { isCron } from "../../config/cron.ts";
import type { Draft } from "./draft.ts";
import { isAddress } from "./hosts.ts";
import { isKnown, whoKnows } from "./texts.ts";
import type { Deploy, Found, Left } from "./types.ts";

/** What jobs that deploy say about environments. */
export function writeEnvironments(draft: Draft, deploys: readonly Deploy[], left: Left[]): void {
  for (const deploy of deploys) writeEnvironment(draft, deploy, deploys, left);
  writeMigrations(draft, deploys, left);
  const runner = deploys.find((deploy) => deploy.runner !== null)?.runner;
  if (runner !== undefined && runner !== null) draft.take(["github", "runner"], runner.value, runner.from);
}

function writeEnvironment(draft: Draft, deploy: Deploy, all: readonly Deploy[], left: Left[]): void {
  const name = deploy.environment.value;
  const at = (...keys: readonly (string | number)[]) => ["environments", name, ...keys];
  if (deploy.guessed)
    draft.ask(
      ["environments", name],
      undefined,
      deploy.environment.from,
      "the workflow does not say what this environment is called",
    );
  else draft.mark(["environments", name], deploy.environment.from);
  writeHosts(draft, deploy);
  writeWhen(draft, deploy, left);
  const after = deploy.after.filter(({ value }) => all.some(({ environment }) => environment.value === value));
  if (after[0] !== undefined)
    draft.take(
      at("after"),
      after.map(({ value }) => value),
      after[0].from,
    );
  const branches = deploy.branches.filter(({ value }) => refPatternProblem(value) === undefined);
  if (branches[0] !== undefined)
    draft.take(
      at("branches"),
      branches.map(({ value }) => value),
      branches[0].from,
    );
  if (deploy.timeout !== null) draft.take(at("timeout"), deploy.timeout.value, deploy.timeout.from);
  writeVariables(draft, deploy);
  writeLooks(draft, deploy, left);
  if (isProduction(name) && !deploy.guessed)
    draft.questions.push({
      ...deploy.environment.from,
      key: at("reviewers").join("."),
      question: "if this environment has required reviewers on GitHub, which no file says, name them under `reviewers`",
    });
}

function writeHosts(draft: Draft, deploy: Deploy): void {
  const name = deploy.environment.value;
  const path = ["environments", name, "target", "compose", "hosts"];
  const unknown = deploy.hosts.filter(({ value }) => !isAddress(value));
  const known = deploy.hosts.filter(({ value }) => isAddress(value));
  if (deploy.local) {
    draft.take(path, [{ local: true, name: "here" }], deploy.environment.from, "which runs on a machine of your own");
    return;
  }
  const [first] = known;
  if (first !== undefined)
    draft.take(
      path,
      known.map(({ value }) => value),
      first.from,
    );
  for (const { value, from } of unknown) {
    const [user] = /^([A-Za-z_][\w.-]*)@/.exec(value)?.slice(1) ?? [];
    const place = value.replace(/^.*@/s, "");
    const placeholder = known.length === 0 && user !== undefined ? [`${user}@${name}.example.com`] : undefined;
    draft.ask(
      path,
      placeholder,
      from,
      known.length === 0
        ? `write the host's address in place of this example: the workflow takes ${whoKnows(place)}`
        : `another host is ${whoKnows(place)}`,
    );
    if (known.length === 0) break;
  }
  if (deploy.hosts.length === 0)
    draft.ask(path, undefined, deploy.environment.from, "the workflow names no host: write the address of one");
}

function writeWhen(draft: Draft, deploy: Deploy, left: Left[]): void {
  const at = (key: string) => ["environments", deploy.environment.value, "on", key];
  const good = (found: readonly Found<string>[], what: string): readonly Found<string>[] =>
    found.filter(({ value, from }) => {
      const problem = isKnown(value) ? refPatternProblem(value) : "it holds an expression";
      if (problem === undefined) return true;
      left.push({
        ...from,
        what: `${what} ${value}`,
        why: `this pattern is none here: ${problem}`,
        instead: "name the branches or tags under `on`",
      });
      return false;
    });
  const push = good(deploy.push, "branch");
  const tags = good(deploy.tags, "tag");
  const list = (found: readonly Found<string>[]): string | string[] =>
    found.length === 1 ? (found[0]?.value ?? "") : found.map(({ value }) => value);
  const [firstPush] = push;
  const [firstCheck] = deploy.checks;
  if (firstPush !== undefined) draft.take(at("push"), list(push), firstPush.from);
  else if (firstCheck !== undefined)
    draft.ask(at("push"), "main", firstCheck.from, "for commits of which branch does it wait?");
  if (tags[0] !== undefined) draft.take(at("tags"), list(tags), tags[0].from);
  if (firstCheck !== undefined)
    draft.take(
      at("checks"),
      deploy.checks.map(({ value }) => value),
      firstCheck.from,
    );
  for (const { value, from } of deploy.schedule.filter((one) => !isCron(one.value)))
    left.push({
      ...from,
      what: `cron ${value}`,
      why: "these are not five fields as cron has them",
      instead: "write it under `on.schedule`",
    });
  const schedule = deploy.schedule.filter(({ value }) => isCron(value));
  const [cron] = schedule;
  if (cron === undefined) return;
  const branch = [...push, ...deploy.branches].some(({ value }) => isPlain(value)) || firstCheck !== undefined;
  if (!branch) draft.ask(at("push"), "main", cron.from, "which branch comes here by the clock?");
  draft.take(at("schedule"), list(schedule), cron.from);
}

function writeVariables(draft: Draft, deploy: Deploy): void {
  const at = (...keys: readonly string[]) => ["environments", deploy.environment.value, ...keys];
  const before = draft.value(at("variables")) as Readonly<Record<string, string>> | undefined;
  for (const {
    value: [key, value],
    from,
  } of deploy.variables)
    if (before !== undefined && Object.hasOwn(before, key)) draft.take(at("variables", key), value, from);
  const listed = draft.value(at("secrets"));
  const names = Array.isArray(listed) ? listed.filter((one): one is string => typeof one === "string") : [];
  const [first] = deploy.secrets;
  if (first === undefined) return;
  for (const {
    value: { name: value },
  } of deploy.secrets)
    if (draft.has(at("variables", value))) draft.remove(at("variables", value));
  draft.take(at("secrets"), [...new Set([...names, ...deploy.secrets.map(({ value }) => value.name)])], first.from);
  for (const {
    value: { name, on },
    from,
  } of deploy.secrets)
    if (on !== name)
      draft.questions.push({
        ...from,
        key: at("secrets").join("."),
        question: `the workflow fills ${name} with the secret ${on}: give it to GitHub as ${name}, as a secret of this environment where it differs between them`,
      });
}

function writeLooks(draft: Draft, deploy: Deploy, left: Left[]): void {
  const hosts = deploy.hosts.map(({ value }) => value.replaceAll(/^.*@|:\d+$/g, ""));
  const name = deploy.environment.value;
  const at = (...keys: readonly string[]) => ["environments", name, ...keys];
  if (deploy.url !== null && /^https?:\/\/[^\s$]+$/.test(deploy.url.value))
    draft.take(at("url"), deploy.url.value, deploy.url.from);
  for (const { value, from } of deploy.smoke) {
    const [, place = "", port, path = "/"] = /^https?:\/\/([\w.-]+)(?::(\d+))?(\/[\w./-]*)?/.exec(value) ?? [];
    // A port of the host itself leads to the container, past the public address.
    if (/^(?:localhost|127\.0\.0\.1|0\.0\.0\.0)$/.test(place) || (port !== undefined && hosts.includes(place)))
      writeHealth(draft, port, path, from);
    else if (/^https?:\/\/[a-z0-9][^\s$`{}"']*$/i.test(value)) {
      if (!draft.has(at("verifyUrl"))) draft.take(at("verifyUrl"), value, from);
      else if (draft.value(at("verifyUrl")) !== value)
        left.push({
          ...from,
          what: `a look at ${value}`,
          why: "`verifyUrl` is one address",
          instead: "write it under `smoke`, with the service that answers it",
        });
    } else
      draft.questions.push({
        ...from,
        key: at("verifyUrl").join("."),
        question: `a look at ${whoKnows(value)}: write the address that shows that the release works`,
      });
  }
  const variables = draft.value(at("variables")) as Readonly<Record<string, string>> | undefined;
  for (const [key, value] of Object.entries(variables ?? {})) {
    const stated = deploy.variables.some(({ value: [one] }) => one === key);
    if (!stated && (value === "" || /\bexample\.(?:com|org)\b/.test(value)) && !ownDomain(deploy, value))
      draft.ask(
        at("variables", key),
        undefined,
        deploy.environment.from,
        value === "" ? "no workflow says its value" : "an example: no workflow says its value",
      );
  }
}

function ownDomain({ url, smoke }: Deploy, value: string): boolean {
  return (
    value !== "" &&
    [...(url === null ? [] : [url]), ...smoke].some((one) => one.value.includes(value.replace(/^https?:\/\//, "")))
  );
}

/** A request to the host itself asks the container: that is what health is. */
function writeHealth(draft: Draft, port: string | undefined, path: string, from: Deploy["environment"]["from"]): void {
  const services = Object.entries(
    (draft.value(["services"]) as Readonly<Record<string, { port?: number; health?: unknown }>> | undefined) ?? {},
  );
  const reachable = services.filter(([, service]) => service.port !== undefined);
  const [name, service] =
    reachable.find((one) => String(one[1].port) === port) ?? (reachable.length === 1 ? reachable[0] : undefined) ?? [];
  if (name === undefined || typeof service?.health === "string") return;
  if (service?.health !== undefined && !(service.health as { tcp?: boolean }).tcp) return;
  draft.remove(["services", name, "health"]);
  draft.take(["services", name, "health"], path, from);
}

function writeMigrations(draft: Draft, deploys: readonly Deploy[], left: Left[]): void {
  const found = deploys.flatMap(({ migrations }) => migrations);
  const services = Object.keys((draft.value(["services"]) as object | undefined) ?? {});
  const usable = found.filter(({ value }) => services.includes(value.service));
  const [first] = usable;
  if (first !== undefined)
    draft.take(["migrations"], { service: first.value.service, command: [...first.value.command] }, first.from);
  const alone = deploys.filter(({ migrations }) => migrations.length === 0).map(({ environment }) => environment.value);
  if (first !== undefined && alone.length > 0)
    draft.questions.push({
      ...first.from,
      key: "migrations",
      question: `no workflow migrates for ${alone.join(", ")}; as it stands, a deployment there migrates, too: with \`migrations: false\` it does not`,
    });
  for (const { value, from } of found) {
    if (first !== undefined && JSON.stringify(first.value) === JSON.stringify(value)) continue;
    left.push({
      ...from,
      what: `migration ${value.command.join(" ")}`,
      why:
        first === undefined
          ? `${value.service} is none of the released services`
          : "migrations are one command of one service",
      instead: "give `migrations` a command that does all of it",
    });
  }
}
