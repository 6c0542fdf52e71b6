import * as z from "zod";
import type { DeploymentEntry, ReleaseEntry } from "../types.ts";
import type { RecordDocument } from "./types.ts";

/** GitHub says nothing of how long a payload may be; this much it takes. In characters. */
const longestPayload = 60_000;

const text = z.string();
const schema = z.object({
  shiplock: z.literal(1),
  deployment: text.min(1),
  project: text.min(1),
  kind: z.enum(["deploy", "promote", "rollback"]),
  release: text.min(1),
  fromRelease: text.nullable(),
  who: text,
  why: text.nullable(),
  origin: text,
  commit: text.min(1),
  ref: text.nullable(),
  createdAt: z.number().int(),
  images: z.record(z.string(), z.string()),
  releaseEntry: z.object({ createdAt: z.number().int(), payload: z.unknown() }).nullable(),
});

/** What a record of this deployment says, with its release where it is known and not too long. */
export function documentOf(entry: DeploymentEntry, release: ReleaseEntry | null): RecordDocument {
  const { id, project, kind, fromRelease, who, why, origin, commit, ref, createdAt } = entry;
  const bare: RecordDocument = {
    ...{ shiplock: 1, deployment: id, project, kind, release: entry.release, fromRelease },
    ...{ who, why, origin, commit, ref, createdAt },
    images: digestsIn(release?.payload),
    releaseEntry: null,
  };
  if (release === null) return bare;
  const whole = { ...bare, releaseEntry: { createdAt: release.createdAt, payload: release.payload } };
  return JSON.stringify(whole).length <= longestPayload ? whole : bare;
}

/**
 * The document in a payload, which GitHub gives back as it was sent, or as JSON text.
 * @returns null for what is none of ours, or of a later Shiplock
 */
export function readDocument(payload: unknown): RecordDocument | null {
  const found = schema.safeParse(typeof payload === "string" ? parsed(payload) : payload);
  return found.success ? found.data : null;
}

/** The release that a record carries. */
export function releaseIn({ project, release, commit, releaseEntry }: RecordDocument): ReleaseEntry | null {
  if (releaseEntry === null) return null;
  const { createdAt, payload } = releaseEntry;
  return { id: release, project, commit, createdAt, payload: payload ?? null };
}

function parsed(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    // Somebody else's payload may be any text.
    return null;
  }
}

const withDigests = z.object({ images: z.record(z.string(), z.object({ digest: z.string() })) });

/** The digests that a release names, for whoever reads the record without Shiplock. */
function digestsIn(payload: unknown): Record<string, string> {
  const found = withDigests.safeParse(payload);
  if (!found.success) return {};
  return Object.fromEntries(Object.entries(found.data.images).map(([name, { digest }]) => [name, digest]));
}
