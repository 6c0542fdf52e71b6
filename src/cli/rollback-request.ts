import type { Config, Environment } from "../config/types.ts";
import type { DeploymentRequest } from "../deploy/request.ts";
import { documentOf } from "../deploy/read-record.ts";
import {
  chooseRollback,
  demandSameLive,
  leftByRollback,
  rollbackCandidates,
} from "../environments/record/rollback-choice.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { ShiplockError } from "../errors.ts";
import { parseReference } from "../release/registry/reference.ts";
import type { Registry } from "../release/registry/types.ts";
import type { ReleaseDocument } from "../release/types.ts";
import type { TargetSession } from "../targets/types.ts";
import type { Flags } from "./commands/table.ts";
import type { CommandContext } from "./context.ts";
import { registryLogins } from "./registry-logins.ts";
import { requestFor } from "./request-for.ts";
import { resolveVersion } from "./version-lookup.ts";
import { registryOf } from "./wiring.ts";

/**
 * A request to go back.
 * @param to what was named; null for the newest release that was healthy here, is not the live one and is not withdrawn
 */
export async function rollbackRequest(
  context: CommandContext,
  config: Config,
  environment: Environment,
  session: TargetSession,
  flags: Flags,
  to: string | null,
): Promise<DeploymentRequest> {
  const registry = registryOf(config, registryLogins(config, context));
  let leaves: readonly string[] | null = null;
  const choose: DeploymentRequest["choose"] = async (state) => {
    leaves ??= leftByRollback(state);
    if (to === null) demandSameLive(state, leaves);
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
  return requestFor(context, config, environment, session, "rollback", flags, { choose, gates: [] });
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
