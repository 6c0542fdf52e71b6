import type { App, Health, Wanted, WrittenFile } from "./types.ts";

/** An image of the configuration. */
export type ImageDraft = {
  readonly name: string;
  readonly context: string;
  readonly dockerfile?: string;
  readonly target?: string;
  /** Names with their values, which may hold `${NAME}`. */
  readonly args: readonly (readonly [string, string])[];
};

/** A released service of the configuration. */
export type ServiceDraft = {
  readonly name: string;
  readonly image: string;
  readonly port: number | null;
  readonly health: Health;
  /** Its address: at the bare host name, below a path of it, or at a name of its own before it. */
  readonly route: { readonly before: string; readonly path: string } | null;
  readonly comment?: string;
};

/** What the configuration says about containers, however it was found. */
export type Draft = {
  readonly compose: readonly string[];
  readonly images: readonly ImageDraft[];
  readonly services: readonly ServiceDraft[];
  readonly backing: readonly string[];
  /** Values per environment: of build arguments, and of `${NAME}` in the compose files. */
  readonly variables: readonly Wanted[];
  readonly secrets: readonly string[];
  readonly migrations: { readonly service: string; readonly command: readonly string[] } | null;
  readonly files: readonly WrittenFile[];
  readonly notes: readonly string[];
  /** The team's own containers listen on the ports that the edge takes unless told. */
  readonly ownProxy: boolean;
};

/** Who gets which address: the first with pages the bare name, a server whose paths all begin with one that path of it, others a name before it. */
export function routesOf(
  apps: readonly Pick<App, "name" | "front" | "port" | "prefix">[],
): ReadonlyMap<string, ServiceDraft["route"]> {
  const reachable = apps.filter(({ port }) => port !== null);
  const main =
    reachable.find(({ front, prefix }) => front && prefix === null) ??
    reachable.find(({ prefix }) => prefix === null) ??
    reachable[0];
  const taken = new Set<string>();
  return new Map(
    reachable.map((app) => {
      if (app === main) return [app.name, { before: "", path: "" }];
      if (app.prefix !== null && !taken.has(app.prefix)) {
        taken.add(app.prefix);
        return [app.name, { before: "", path: app.prefix }];
      }
      return [app.name, { before: `${app.name}.`, path: "" }];
    }),
  );
}
