import { resolvePublicUrls } from "../config/environment.ts";
import type { Config, Environment, Watch } from "../config/types.ts";
import { documentOf } from "../deploy/read-record.ts";
import type { DeploymentPorts } from "../deploy/request.ts";
import type { Plan } from "../deploy/types.ts";
import { watchRelease } from "../deploy/watch.ts";
import { changeRequests } from "../environments/record/change-state.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { withWatch, withWatchEnded } from "../environments/watch/record.ts";
import type { Look, UrlLook, WatchEnd } from "../environments/watch/types.ts";
import { messageOf } from "../errors.ts";
import type { ReleaseDocument } from "../release/types.ts";
import type { TargetSession } from "../targets/types.ts";
import type { CommandContext } from "./context.ts";
import { fetchPublic } from "./fetch-public.ts";
import { openSession } from "./session.ts";

/** For one answer of a public address. */
const publicTimeoutMs = 10_000;

type Watched = { plan: Plan; ports: DeploymentPorts };

/** Watches what a plan made live, for as long as the policy says, and keeps in the environment record that it does and how it ended. Holds no lease. */
export async function watchLive(
  context: CommandContext,
  config: Config,
  environment: Environment,
  policy: Watch,
  { plan, ports }: Watched,
): Promise<WatchEnd> {
  const { clock, signal } = ports;
  const { deployment, to: release, origin } = plan;
  const { output } = context;
  const sessions = reconnecting(context, config, environment, ports.session);
  const since = clock.now();
  const until = new Date(since.getTime() + policy.forMs).toISOString();
  const tell = (news: Parameters<Parameters<typeof watchRelease>[1]["tell"]>[0]): void =>
    ports.tell({ kind: "watch", deployment, release, news });

  async function record(change: (state: EnvironmentState) => EnvironmentState | null): Promise<void> {
    const whose = { project: config.project, environment: environment.name };
    try {
      await changeRequests(sessions.current().record, whose, change);
    } catch (error) {
      output.note(`warning: the environment record does not have the watch: ${messageOf(error)}`);
    }
  }

  try {
    const start = await ports.session.record.read();
    const live = start?.state.live ?? null;
    const document = await documentOf(ports.session, live?.document ?? null);
    if (live === null || document === null || live.deployment !== deployment)
      return { how: "superseded", said: `${live?.release ?? "nothing"} is live by now` };
    const { who: by, from } = origin;
    const watch = { deployment, release, by, from, since: since.toISOString(), until, ended: null };
    await record((state) => withWatch(state, watch));
    tell({ kind: "began", until });
    const { verifyUrl } = resolvePublicUrls(config, environment, context.env);
    const look = async (): Promise<Omit<Look, "afterMs">> => {
      const session = sessions.current();
      const [superseded, hosts, urls] = await Promise.all([
        supersededBy(session, deployment),
        session.look({ document, place: live.place, mask: output.mask, signal }),
        Promise.all(urlsOf(document, verifyUrl).map((url) => lookAtUrl(url, signal))),
      ]);
      if (!signal.aborted && hosts.some(({ seen }) => !seen)) await sessions.reconnect();
      return { superseded, hosts, urls };
    };
    const end = await watchRelease(policy, { clock, signal, look, tell });
    const said = { how: end.how, said: output.mask(end.said) };
    await record((state) => withWatchEnded(state, deployment, said, clock.now().toISOString()));
    tell({ kind: "ended", end: said });
    return said;
  } finally {
    await sessions.close();
  }
}

function urlsOf(document: ReleaseDocument, verifyUrl: string | undefined): readonly string[] {
  return verifyUrl === undefined ? document.snapshot.publicUrls : [verifyUrl];
}

async function lookAtUrl(url: string, signal: AbortSignal): Promise<UrlLook> {
  const answer = await fetchPublic(url, AbortSignal.any([signal, AbortSignal.timeout(publicTimeoutMs)]));
  if (typeof answer !== "number")
    return { url, problem: `${url} does not answer (${answer.failure})`, answered: false };
  return { url, problem: answer < 500 ? null : `${url} answers ${answer}`, answered: true };
}

/** A record that cannot be read says nothing: its host is then one that was not seen. */
async function supersededBy(session: TargetSession, deployment: string): Promise<string | null> {
  const read = await session.record.read().catch(() => null);
  if (read === null) return null;
  const { live, operation } = read.state;
  if (live?.deployment !== deployment) return `${live?.release ?? "nothing"} is live by now`;
  return operation === null ? null : `${operation.deployment} deploys ${operation.release} by now`;
}

/** The session that looks. When a host was not seen, new connections are tried; where they cannot be had, the old ones go on. */
function reconnecting(context: CommandContext, config: Config, environment: Environment, first: TargetSession) {
  let current = first;
  async function close(): Promise<void> {
    if (current !== first) await current.close();
  }
  return {
    current: () => current,
    async reconnect(): Promise<void> {
      const fresh = await openSession(context, config, environment, { kind: "read" }).catch(() => null);
      if (fresh === null) return;
      await close();
      current = fresh;
    },
    close,
  };
}
