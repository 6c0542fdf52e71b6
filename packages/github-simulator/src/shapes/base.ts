import { createHash } from "node:crypto";
import { inUtc } from "../git/read.ts";
import type { World } from "../state/world.ts";
import type { Account, App } from "../types.ts";

export type Shape = { readonly [name: string]: unknown };

/** Where people look at what the API shows. */
export const web = "https://github.com";

export function time(date: Date): string {
  return inUtc(date);
}

/** Opaque names that GitHub gives to everything; made from its kind and number. */
export function nodeId(kind: string, id: number | string): string {
  return Buffer.from(`${kind}:${id}`).toString("base64").replaceAll("=", "");
}

export function repositoryApi({ api, repository }: World): string {
  return `${api}/repos/${repository.owner}/${repository.name}`;
}

export function repositoryWeb({ repository }: World): string {
  return `${web}/${repository.owner}/${repository.name}`;
}

export function accountShape(world: Pick<World, "api">, { id, login, type }: Account): Shape {
  const own = `${world.api}/users/${encodeURIComponent(login)}`;
  return {
    ...{ login, id, node_id: nodeId("User", id), avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4` },
    ...{ gravatar_id: "", url: own, html_url: `${web}/${encodeURIComponent(login)}` },
    followers_url: `${own}/followers`,
    following_url: `${own}/following{/other_user}`,
    gists_url: `${own}/gists{/gist_id}`,
    starred_url: `${own}/starred{/owner}{/repo}`,
    subscriptions_url: `${own}/subscriptions`,
    organizations_url: `${own}/orgs`,
    repos_url: `${own}/repos`,
    events_url: `${own}/events{/privacy}`,
    received_events_url: `${own}/received_events`,
    ...{ type, site_admin: false },
  };
}

export function appShape(world: World, app: App): Shape {
  return {
    ...{ id: app.id, slug: app.slug, client_id: app.clientId, node_id: nodeId("App", app.id) },
    owner: accountShape(world, world.owner),
    ...{ name: app.name, description: null, external_url: `https://example.com/${app.slug}` },
    html_url: `${web}/apps/${app.slug}`,
    ...{ created_at: time(app.createdAt), updated_at: time(app.createdAt) },
    ...{ permissions: { metadata: "read", ...app.permissions }, events: app.events },
  };
}

/** A number below 2^31 that belongs to a name. */
export function numberOf(name: string): number {
  return createHash("sha256").update(name).digest().readUInt32BE(0) % 2 ** 31;
}
