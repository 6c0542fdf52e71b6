import { accountShape, appShape, type Shape, time, web } from "../shapes/base.ts";
import { repository } from "../shapes/repository.ts";
import type { World } from "../state/world.ts";
import type { App, Permissions } from "../types.ts";
import { type Answer, type Asked, notFound, Refusal, type Route } from "./types.ts";

/** What an app may ask; making tokens needs whoever serves the requests. */
export function appRoutes(
  make: (app: App, permissions: Permissions) => { token: string; expiresAt: Date },
): readonly Route[] {
  return [
    {
      name: "GET /app",
      needs: "app",
      answer: (asked, world) => ({
        status: 200,
        body: { ...appShape(world, appOf(asked)), installations_count: 1 },
      }),
    },
    {
      name: "GET /repos/{owner}/{repo}/installation",
      needs: "app",
      answer: (asked, world) => ({ status: 200, body: installationShape(world, appOf(asked)) }),
    },
    {
      name: "GET /app/installations/{installation_id}",
      needs: "app",
      answer: (asked, world) => ({ status: 200, body: installationShape(world, installed(asked)) }),
    },
    {
      name: "POST /app/installations/{installation_id}/access_tokens",
      needs: "app",
      answer: (asked, world) => createToken(asked, world, make),
    },
  ];
}

function createToken(asked: Asked, world: World, make: Parameters<typeof appRoutes>[0]): Answer {
  const app = installed(asked);
  const wanted = asked.body as {
    repositories?: readonly string[];
    repository_ids?: readonly number[];
    permissions?: Permissions;
  };
  const strange =
    (wanted.repositories ?? []).some((name) => name !== world.repository.name) ||
    (wanted.repository_ids ?? []).some((id) => id !== world.repository.id);
  if (strange)
    throw new Refusal(
      422,
      "There is at least one repository that does not exist or is not accessible to the parent installation.",
    );
  const granted: Permissions = { metadata: "read", ...app.permissions };
  const permissions = wanted.permissions ?? granted;
  for (const [name, access] of Object.entries(permissions)) {
    const has = granted[name as keyof Permissions];
    if (has !== access && has !== "write")
      throw new Refusal(422, "The permissions requested are not granted to this installation.");
  }
  const { token, expiresAt } = make(app, permissions);
  const some = wanted.repositories !== undefined || wanted.repository_ids !== undefined;
  return {
    status: 201,
    body: {
      ...{ token, expires_at: time(expiresAt), permissions, repository_selection: "selected" },
      ...(some && { repositories: [repository(world)] }),
    },
  };
}

export function installationShape(world: World, app: App): Shape {
  const { installation: id } = app;
  const at = time(app.createdAt);
  return {
    ...{ id, account: accountShape(world, world.owner), repository_selection: "selected" },
    access_tokens_url: `${world.api}/app/installations/${id}/access_tokens`,
    repositories_url: `${world.api}/installation/repositories`,
    html_url: `${web}/organizations/${world.owner.login}/settings/installations/${id}`,
    ...{ app_id: app.id, client_id: app.clientId, app_slug: app.slug, target_id: world.owner.id },
    ...{ target_type: "Organization", permissions: { metadata: "read", ...app.permissions }, events: app.events },
    ...{ created_at: at, updated_at: at, single_file_name: null, suspended_by: null, suspended_at: null },
  };
}

function appOf({ caller }: Asked): App {
  if (caller.app === null) throw notFound();
  return caller.app;
}

function installed(asked: Asked): App {
  const app = appOf(asked);
  if (Number(asked.path["installation_id"]) !== app.installation) throw notFound();
  return app;
}
