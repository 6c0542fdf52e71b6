import { openReviews, reviewSentence } from "../environments/emergency/reviews.ts";
import { makeChecklist } from "../environments/checklist.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import type { ReleaseDocument } from "../release/types.ts";
import { createMasker } from "../secrets/mask.ts";
import type { Survey } from "../targets/types.ts";
import { ShiplockError } from "../errors.ts";
import type { Look } from "./asking.ts";
import { lookForChecklist } from "./checklist-facts.ts";
import { hooksOfPlan, secretsOfHooks } from "./hooks/steps.ts";
import { hookPoints } from "./hooks/types.ts";
import { assemblePlan, type PlanFacts } from "./plan.ts";
import type { DeploymentPorts, DeploymentRequest } from "./request.ts";
import { strategyServices } from "./strategies/services.ts";
import type { Plan } from "./types.ts";

type Secrets = Readonly<Record<string, string>>;

/** A plan, and what it was made of. */
export type PreparedDeployment = Look & {
  plan: Plan;
  secrets: Secrets;
  /** Of the hooks alone. */
  hookSecrets: Secrets;
};

/** Makes the plan of a deployment from what is there now. Changes nothing; `plan` prints what `deploy` would run. */
export async function planDeployment(
  request: DeploymentRequest,
  ports: DeploymentPorts,
  look: Look,
): Promise<PreparedDeployment> {
  const { session, clock } = ports;
  const { state, revision, previous, document, notes } = look;
  const [secrets, hookSecrets] = await bothSecrets(request.secrets(document), declaredHookSecrets(request));
  const [survey, seen] = await Promise.all([
    session.survey({
      document,
      previous,
      state: revision === 0 ? null : state,
      strategy: request.strategy.kind,
      secrets,
    }),
    lookForChecklist(request.kind, session, look),
  ]);
  const { skipped } = session;
  const shortages = survey.hosts.flatMap(({ shortage }) => shortage ?? []);
  // Reasons are words of people, and of programs.
  const mask = createMasker(await request.hidden(previous === null ? [document] : [document, previous]));
  const rows = makeChecklist({ ...look, kind: request.kind, ...seen, shortages });
  const checklist = rows.map((row) => ({ ...row, text: mask(row.text) }));
  const assembled = assemblePlan(
    planFacts(request, {
      state,
      document,
      survey,
      skipped,
      now: clock.now(),
      notes: [...notes, ...survey.notes, ...caughtUp(state, survey), ...dueReviews(state, clock.now())],
    }),
  );
  const plan: Plan = { ...assembled, checklist };
  return { ...look, plan, secrets, hookSecrets };
}

function planFacts(
  request: DeploymentRequest,
  found: {
    state: EnvironmentState;
    document: ReleaseDocument;
    survey: Survey;
    skipped: readonly string[];
    notes: readonly string[];
    now: Date;
  },
): PlanFacts {
  const { state, document, survey, skipped, notes, now } = found;
  const { snapshot, release } = document;
  return {
    deployment: request.deployment,
    kind: request.kind,
    project: request.project,
    environment: request.environment,
    origin: request.origin,
    createdAt: now.toISOString(),
    homeHost: survey.home,
    hosts: survey.hosts,
    skipped,
    release: {
      id: release.id,
      images: Object.keys(release.images),
      services: strategyServices(snapshot),
      // Going back runs no migration: the schema of the newer release fits the older one, or the gate refuses.
      migration:
        request.kind === "rollback" || snapshot.migration === null
          ? null
          : {
              service: snapshot.migration.service,
              command: snapshot.migration.command,
              timeoutMs: snapshot.migration.timeoutMs,
            },
    },
    live: state.live === null ? null : { release: state.live.release, place: state.live.place },
    place: survey.place,
    warm: survey.warm,
    strategy: request.strategy,
    bakeMs: request.bakeMs,
    ...(request.hooks === undefined ? {} : { hooks: request.hooks.declared }),
    notes,
  };
}

function dueReviews(state: EnvironmentState, now: Date): string[] {
  return openReviews(state).map((review) => reviewSentence(review, state.environment, now));
}

function caughtUp(state: EnvironmentState, survey: Survey): string[] {
  return state.behind
    .filter((entry) => survey.hosts.some((host) => host.name === entry.host))
    .map((entry) => `${entry.host} was skipped since ${entry.since} and is brought up to date`);
}

async function declaredHookSecrets({ hooks }: DeploymentRequest): Promise<Secrets> {
  if (hooks === undefined) return {};
  return hooks.secrets(secretsOfHooks(hookPoints.flatMap((point) => hooks.declared[point])));
}

/** Values of the secrets that the hooks of a plan name. */
export async function hookSecretsOf(plan: Plan, { hooks }: Pick<DeploymentRequest, "hooks">): Promise<Secrets> {
  return hooks === undefined ? {} : hooks.secrets(secretsOfHooks(hooksOfPlan(plan)));
}

/** Whatever is missing for the containers and for the hooks is told at once. */
async function bothSecrets(ofContainers: Promise<Secrets>, ofHooks: Promise<Secrets>): Promise<[Secrets, Secrets]> {
  const [first, second] = await Promise.allSettled([ofContainers, ofHooks]);
  if (first.status === "fulfilled" && second.status === "fulfilled") return [first.value, second.value];
  const errors: unknown[] = [first, second].flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
  const [error, other] = errors;
  if (!(error instanceof ShiplockError) || !(other instanceof ShiplockError)) throw error;
  const { code, blame, message, remedy, details } = error;
  throw new ShiplockError({
    ...{ code, blame, message: `${message}; ${other.message}`, details: [...details, ...other.details], cause: error },
    ...(remedy === undefined ? {} : { remedy }),
  });
}
