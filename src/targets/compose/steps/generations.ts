import { ShiplockError } from "../../../errors.ts";
import type { ComposeHost } from "../run.ts";

type RoutedHost = Pick<ComposeHost, "host" | "layout">;

/** The generation of the router that has the traffic of an environment on this host; null before there was one. */
export async function currentGeneration({ host, layout }: RoutedHost): Promise<string | null> {
  return host.files.readlink(`${layout.front}/current`);
}

/** One rename: from here on edge and ports hand every request to this generation. */
export async function makeCurrent({ host, layout }: RoutedHost, generation: string): Promise<void> {
  await host.files.symlinkAtomic(generation, `${layout.front}/current`);
}

/** The generation that was the current one when the last deployment ended: what going back goes back to. */
export async function settledGeneration({ host, layout }: RoutedHost): Promise<string | null> {
  return host.files.readlink(`${layout.proxy}/settled`);
}

/** Says that a generation is what going back goes back to, from now on. */
export async function settleGeneration(host: RoutedHost, generation: string): Promise<void> {
  if ((await settledGeneration(host)) === generation) return;
  await host.host.files.symlinkAtomic(generation, `${host.layout.proxy}/settled`);
}

/**
 * The generation whose router health checks go through: the one that has the traffic. Only where the router of both releases is not the one of the new release alone
 * does that change while a deployment runs, and who resumes it late finds the first one gone.
 * @throws ShiplockError `proxy/router-gone`
 */
export async function probingGeneration(host: RoutedHost & Pick<ComposeHost, "name" | "translation">): Promise<string> {
  const { proxies } = host.translation;
  if (proxies !== null && proxies.both.generation === proxies.after.generation) return proxies.after.generation;
  const current = await currentGeneration(host);
  if (current !== null) return current;
  throw new ShiplockError({
    code: "proxy/router-gone",
    blame: "person",
    message: `no router has the traffic of ${host.layout.id} on ${host.name}, so no replica can be asked`,
    remedy: "resume the deployment, which starts one",
  });
}
