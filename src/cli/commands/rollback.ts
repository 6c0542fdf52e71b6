import type { Config, Environment } from "../../config/types.ts";
import { runDeployment } from "../../deploy/deployment.ts";
import type { DeploymentRequest } from "../../deploy/request.ts";
import { documentOf } from "../../deploy/read-record.ts";
import { chooseRollback, rollbackCandidates } from "../../environments/record/rollback-choice.ts";
import type { EnvironmentState } from "../../environments/record/types.ts";
import { ShiplockError } from "../../errors.ts";
import { parseReference } from "../../release/registry/reference.ts";
import type { Registry } from "../../release/registry/types.ts";
import type { ReleaseDocument } from "../../release/types.ts";
import type { TargetSession } from "../../targets/types.ts";
import { argument, textFlag } from "../arguments.ts";
import { type CommandContext, loadEnvironment } from "../context.ts";
import type { Notices } from "../notices.ts";
import { requestFor } from "../request-for.ts";
import { carryOut } from "../run-deployment.ts";
import { registryLogins } from "../registry-logins.ts";
import { registryOf } from "../wiring.ts";
import { deployingWithout, withSession } from "../session.ts";
import { resolveVersion } from "../version-lookup.ts";
import { withNotices } from "../with-notices.ts";
import type { Flags } from "./table.ts";

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  const about = { environment: environment.name, kind: "rollback", ofCommit: false };
  return withNotices(context, config, flags, about, (notices) =>
    rollBack(context, config, environment, flags, notices),
  );
}

async function rollBack(
  context: CommandContext,
  config: Config,
  environment: Environment,
  flags: Flags,
  notices: Notices,
): Promise<number> {
  const { output } = context;
  const to = textFlag(flags, "to");
  const registry = registryOf(config, registryLogins(config, context));
  return withSession(
    context,
    config,
    environment,
    async (session) => {
      const choose: DeploymentRequest["choose"] = async (state) => {
        const named = to === null ? null : await resolveVersion(context, config, to, state, session, registry);
        const document = await chooseDocument(state, named, session, registry);
        const names = document.snapshot.secrets.names;
        return {
          document,
          notes:
            names.length === 0
              ? []
              : [
                  `configuration and images are those of ${document.release.id}; the secrets ${names.join(", ")} have today's values`,
                ],
        };
      };
      const chosen = { choose, gates: [] };
      const request = await requestFor(context, config, environment, session, "rollback", flags, chosen);
      return await carryOut(
        context,
        session,
        async (ports) => {
          const outcome = await runDeployment(request, ports);
          if (outcome.error === null) {
            output.line(output.paint.dim("automatic deployments are paused until somebody deploys on purpose"));
            output.line(output.paint.dim(`\`shiplock revert ${environment.name}\` takes the commits back`));
          }
          return outcome;
        },
        "nothing to do",
        notices,
      );
    },
    deployingWithout(flags),
  );
}

/** Passes over releases whose images are gone, from the hosts and from where they could be got. */
async function chooseDocument(
  state: EnvironmentState,
  to: string | null,
  session: TargetSession,
  registry: Registry,
): Promise<ReleaseDocument> {
  const gone = new Set<string>();
  for (;;) {
    const entry = chooseRollback(state, to, gone);
    const document = await documentOf(session, entry.document);
    if (document !== null && (await imagesThere(document, session, registry))) return document;
    const passed = new Set([...gone, entry.release]);
    if (document === null && (to !== null || rollbackCandidates(state, passed).length === 0)) {
      throw new ShiplockError({
        code: "record/incomplete",
        blame: "person",
        message: `the environment record names ${entry.release}, but not what it was`,
        remedy: "look at the folder `releases` of the environment on its home host",
      });
    }
    gone.add(entry.release);
  }
}

async function imagesThere(document: ReleaseDocument, session: TargetSession, registry: Registry): Promise<boolean> {
  const missing = await session.missingImages(document);
  const there = await Promise.all(
    missing.map(
      async (image) =>
        image.from !== "engine" &&
        registry.exists({ ...parseReference(image.repository), tag: null, digest: image.digest }),
    ),
  );
  return there.every(Boolean);
}
