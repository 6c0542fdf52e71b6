import { dockerCall } from "./shell/docker.ts";
import { hasOption, type Program } from "./shell/program.ts";
import { actionOf, inputOf, type Ran } from "./scripts.ts";
import type { Job, Place, Step, Workflow } from "./types.ts";
import { textOf } from "./values.ts";

/** Something that makes other bytes live where the application runs. */
export type Change = {
  /** As a sentence names it: `docker compose up`. */
  readonly what: string;
  /** By which means, for what differs between them. */
  readonly tool: "compose" | "container" | "unit" | "cluster" | "cloud" | "kit" | "copy" | "script";
  /** It looks itself whether the application works. */
  readonly waits: boolean;
  /** Null for one that an action makes. */
  readonly ran: Ran | null;
  readonly step: Step;
  readonly place: Place;
};

type Found = Pick<Change, "what" | "tool" | "waits">;

type Context = { readonly workflow: Workflow; readonly job: Job };

type StepRan = { readonly step: Step; readonly ran: readonly Ran[] };

/** What each step of a job changes, in the order of the steps. */
export function changesOf(context: Context, steps: readonly StepRan[]): readonly (readonly Change[])[] {
  const speaks = speaksOfDeploying(context);
  const runsAtHome = isOwnMachine(context.job) && speaks;
  const throwaway = steps.some(startsThrowawayCluster);
  let elsewhere = false;
  return steps.map(({ step, ran }) => {
    const byAction = changeOfAction(step);
    const found: Change[] =
      byAction === null ? [] : [{ ...byAction, ran: null, step, place: step.uses?.place ?? step.place }];
    elsewhere ||= dockerHostSet([step.env, context.job.env, context.workflow.env]);
    for (const each of ran) {
      elsewhere ||= pointsElsewhere(each);
      const onHost = runsAtHome || elsewhere || each.script.where === "host" || namesHost(each);
      const change = changeOfProgram(each.program, onHost);
      if (change === null || each.command.substituted) continue;
      if (change.tool === "cluster" && throwaway) continue;
      if ((change.tool === "copy" || change.tool === "script") && !speaks && !onHost) continue;
      found.push({ ...change, ran: each, step, place: each.place });
    }
    return found;
  });
}

/** What a program changes; null for one that changes nothing that is known. */
function changeOfProgram(program: Program, onHost: boolean): Found | null {
  const { name, args } = program;
  const words = args.map(({ text }) => text);
  const [first = "", second = ""] = words.filter((word) => !word.startsWith("-"));
  const docker = dockerCall(program);
  if (docker !== null) return changeOfDocker(docker.verb, docker.args, onHost);
  switch (name) {
    case "kubectl":
    case "oc":
      return /^(?:apply|replace|patch)$/.test(first) ||
        (first === "set" && second === "image") ||
        (first === "rollout" && /^(?:restart|undo)$/.test(second))
        ? {
            what: `${name} ${first === "set" || first === "rollout" ? `${first} ${second}` : first}`,
            tool: "cluster",
            waits: false,
          }
        : null;
    case "helm":
      return /^(?:upgrade|install|rollback)$/.test(first)
        ? {
            what: `helm ${first}`,
            tool: "cluster",
            waits: ["--wait", "--atomic", "--rollback-on-failure"].some((each) =>
              words.some((word) => word === each || word.startsWith(`${each}=`)),
            ),
          }
        : null;
    case "aws":
      // Without these it changes how many there are, and not what they are.
      if (first === "ecs" && second === "update-service")
        return words.some((word) => /^--(?:force-new-deployment|task-definition)/.test(word))
          ? { what: "aws ecs update-service", tool: "cloud", waits: false }
          : null;
      return first === "deploy" && second === "create-deployment"
        ? { what: "aws deploy create-deployment", tool: "cloud", waits: false }
        : null;
    case "gcloud":
      return words.includes("deploy") && /^(?:run|app|functions|beta)$/.test(first)
        ? { what: `gcloud ${first} deploy`, tool: "cloud", waits: true }
        : null;
    case "fly":
    case "flyctl":
    case "kamal":
    case "shiplock":
      return /^(?:deploy|redeploy|setup|promote|rollback|resume|revert)$/.test(first)
        ? { what: `${name} ${first}`, tool: "kit", waits: true }
        : null;
    // What carries an application or its infrastructure for the team keeps two deployments apart itself.
    case "vercel":
    case "netlify":
    case "wrangler":
    case "firebase":
    case "railway":
    case "eb":
    case "cdk":
    case "sst":
    case "serverless":
    case "pulumi":
    case "terraform":
    case "tofu":
      return words.some((word) => /^(?:deploy|up|apply|publish|--prod)$/.test(word))
        ? { what: `${name} ${first}`.trim(), tool: "kit", waits: true }
        : null;
    case "npx":
    case "bunx": {
      const at = args.findIndex(({ text }) => !text.startsWith("-"));
      const inner = args[at];
      return inner === undefined ? null : changeOfProgram({ name: inner.text, args: args.slice(at + 1) }, onHost);
    }
    case "cap":
    case "dep":
    case "ansible-playbook":
      return words.some((word) => word.includes("deploy")) ? { what: name, tool: "script", waits: true } : null;
    case "systemctl":
    case "service":
    case "supervisorctl":
    case "pm2":
      return onHost &&
        words.some((word) => /^(?:restart|reload|start|startOrReload|startOrRestart|reload-or-restart)$/.test(word))
        ? { what: `${name} restart`, tool: "unit", waits: false }
        : null;
    case "scp":
    case "rsync":
      return /^[^/]+:/.test(words.at(-1) ?? "") ? { what: name, tool: "copy", waits: true } : null;
    default:
      return changeOfScript(name, words);
  }
}

function changeOfDocker(verb: string, args: Program["args"], onHost: boolean): Found | null {
  switch (verb) {
    case "compose up":
      return onHost ? { what: "docker compose up", tool: "compose", waits: hasOption(args, "--wait") } : null;
    case "compose restart":
    case "restart":
    case "start":
      return onHost ? { what: `docker ${verb}`, tool: "compose", waits: false } : null;
    case "run":
      return onHost && hasOption(args, "--detach", "d")
        ? { what: "docker run", tool: "container", waits: false }
        : null;
    case "stack deploy":
      return {
        what: "docker stack deploy",
        tool: "cluster",
        waits: args.some(({ text }) => text === "--detach=false"),
      };
    case "service update":
    case "service create":
      return { what: `docker ${verb}`, tool: "cluster", waits: !hasOption(args, "--detach", "d") };
    default:
      return null;
  }
}

/** `./scripts/deploy.sh`, `bash deploy.sh`, `make deploy`: what is inside is not read here. */
function changeOfScript(name: string, words: readonly string[]): Found | null {
  const target = /^(?:ba|da|z|a)?sh$|^(?:make|task|just|source|\.)$/.test(name)
    ? (words.find((word) => !word.startsWith("-")) ?? "")
    : name;
  const script = target.slice(target.lastIndexOf("/") + 1);
  const isDeploy = /(?:^|[-_.])(?:re)?deploy(?:$|[-_.:])/i.test(script);
  const isFile = /\.\w+$/.test(script) || name === "make" || name === "task" || name === "just";
  return isDeploy && isFile ? { what: script, tool: "script", waits: true } : null;
}

function changeOfAction(step: Step): Found | null {
  const action = actionOf(step);
  if (action === "aws-actions/amazon-ecs-deploy-task-definition") {
    if (inputOf(step, "service") === null) return null;
    const waits = inputOf(step, "wait-for-service-stability")?.value === "true";
    return { what: action, tool: "cloud", waits };
  }
  if (/(?:^|\/)shiplock$/.test(action)) {
    const command = inputOf(step, "command")?.value ?? "";
    return /^(?:deploy|promote|rollback|resume|revert|preview)\b|\$\{\{/.test(command)
      ? { what: `shiplock ${command}`, tool: "kit", waits: true }
      : null;
  }
  if (platformActions.has(action)) return { what: action, tool: "kit", waits: true };
  return deployActions.has(action) ? { what: action, tool: "cloud", waits: true } : null;
}

const deployActions: ReadonlySet<string> = new Set([
  "azure/webapps-deploy",
  "azure/container-apps-deploy-action",
  "azure/k8s-deploy",
  "google-github-actions/deploy-cloudrun",
  "google-github-actions/deploy-appengine",
  "akhileshns/heroku-deploy",
  "digitalocean/app_action",
  "cssnr/stack-deploy-action",
  "easingthemes/ssh-deploy",
  "burnett01/rsync-deployments",
]);

const platformActions: ReadonlySet<string> = new Set([
  "amondnet/vercel-action",
  "cloudflare/wrangler-action",
  "nwtgck/actions-netlify",
  "firebaseextended/action-hosting-deploy",
  "actions/deploy-pages",
]);

const throwawayActions =
  /(?:^|\/)(?:kind-action|setup-kind|setup-minikube|setup-k3s|k3d-action|setup-k3d-k3s|microk8s-actions)$/;

/** A cluster that the job starts for itself and that goes with it. */
function startsThrowawayCluster({ step, ran }: StepRan): boolean {
  if (throwawayActions.test(actionOf(step))) return true;
  return ran.some(
    ({ program: { name, args } }) =>
      ["kind", "minikube", "k3d", "microk8s"].includes(name) && /^(?:create|start|cluster)$/.test(args[0]?.text ?? ""),
  );
}

/** A machine of the team's own, on which what the job starts stays. */
export function isOwnMachine({ runsOn }: Job): boolean {
  return runsOn.includes("self-hosted");
}

function speaksOfDeploying({ workflow, job }: Context): boolean {
  const file = workflow.file.split("/").at(-1) ?? "";
  const said = [job.id, job.name?.value ?? "", workflow.name ?? "", file].join(" ");
  return /deploy|rollout|promote|rollback|(?:^|\W)cd(?:\W|$)/i.test(said) || job.environment !== null;
}

function dockerHostSet(scopes: readonly Step["env"][]): boolean {
  return scopes.some((entries) => entries.some(({ key, value }) => isDockerPlace(key) && textOf(value) !== ""));
}

function isDockerPlace(name: string): boolean {
  return name === "DOCKER_HOST" || name === "DOCKER_CONTEXT";
}

/** From here on Docker speaks with another machine. */
function pointsElsewhere({ command, program }: Ran): boolean {
  const docker = dockerCall(program);
  if (docker?.verb === "context use") return true;
  return program.name === "export" && command.words.some(({ text }) => /^DOCKER_(?:HOST|CONTEXT)=./.test(text));
}

/** This one call of Docker speaks with another machine. */
function namesHost({ command, program }: Ran): boolean {
  if (command.assignments.some(({ name }) => isDockerPlace(name))) return true;
  const options = dockerCall(program)?.options ?? [];
  return options.some(({ text }) => /^(?:-H|--host|-c|--context)(?:=|$)/.test(text));
}
