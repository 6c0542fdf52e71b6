import type { EnvironmentRecord } from "../../environments/record/types.ts";
import { messageOf, ShiplockError } from "../../errors.ts";
import type { Host, HostFiles } from "../../hosts/types.ts";
import { label, type Layout } from "./layout.ts";

/** An environment by its two names. Joined by a hyphen they name its folder and its Compose project, and two environments can join to the same. */
export type Whose = { project: string; environment: string };

type OpenHost = { name: string; host: Host; layout: Layout };

/**
 * Refuses a host whose folder of this name is another environment's. Changes nothing, and a folder that nobody has claimed is nobody's.
 * @returns whether it is claimed
 * @throws ShiplockError `environment/name-taken`, `environment/mark-unreadable`
 */
export async function refuseOthersFolder({ name, host, layout }: OpenHost, whose: Whose): Promise<boolean> {
  const mark = await readMark(host.files, layout);
  if (mark !== null) refuseOther(whose, mark, name, layout.id);
  return mark !== null;
}

/**
 * Writes into the folder whose it is, once and for ever; needs the lease. The first of two environments of one name wins, also where neither was ever deployed.
 * @throws ShiplockError as `refuseOthersFolder`
 */
export async function claimFolder(open: OpenHost, whose: Whose): Promise<void> {
  if (await refuseOthersFolder(open, whose)) return;
  const text = `${JSON.stringify({ project: whose.project, environment: whose.environment })}\n`;
  if (!(await open.host.files.createExclusive(markPath(open.layout), text))) await refuseOthersFolder(open, whose);
}

/**
 * Refuses a host on which another environment's containers carry the name of this Compose project: those lie in another root, so the folder cannot tell.
 * @throws ShiplockError `environment/name-taken`
 */
export async function refuseOthersContainers({ name, host, layout }: OpenHost, whose: Whose): Promise<void> {
  const containers = await host.engine.listContainers({
    all: true,
    labels: [`com.docker.compose.project=${layout.id}`, label.project],
  });
  for (const { labels } of containers)
    refuseOther(
      whose,
      { project: labels[label.project] ?? "", environment: labels[label.environment] ?? "" },
      name,
      layout.id,
    );
}

/** The record of an environment's folder; reading it is refused when its state is another environment's. */
export function ownRecord(record: EnvironmentRecord, home: OpenHost, whose: Whose): EnvironmentRecord {
  return {
    ...record,
    read: async () => {
      const found = await record.read();
      if (found !== null) refuseOther(whose, found.state, home.name, home.layout.id);
      return found;
    },
  };
}

function refuseOther(whose: Whose, found: Whose, host: string, id: string): void {
  if (found.project === whose.project && found.environment === whose.environment) return;
  throw new ShiplockError({
    code: "environment/name-taken",
    blame: "usage",
    message: `${id} on ${host} is the environment ${found.environment} of the project ${found.project}, and ${whose.environment} of ${whose.project} would have the same name there`,
    remedy:
      "rename the project or the environment of one of them, or give it other hosts; another folder on the same host would not keep their containers apart",
  });
}

function markPath(layout: Layout): string {
  return `${layout.folder}/environment.json`;
}

async function readMark(files: HostFiles, layout: Layout): Promise<Whose | null> {
  const bytes = await files.read(markPath(layout));
  if (bytes === null) return null;
  try {
    const { project, environment } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Whose>;
    if (typeof project !== "string" || typeof environment !== "string") throw new Error("it names no environment");
    return { project, environment };
  } catch (cause) {
    throw new ShiplockError({
      code: "environment/mark-unreadable",
      blame: "person",
      message: `whose the folder ${layout.id} is cannot be read: ${messageOf(cause)}`,
      where: markPath(layout),
      remedy: "write the names of its project and environment into that file as JSON, as in other folders beside it",
      cause,
    });
  }
}
