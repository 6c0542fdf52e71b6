import { type Emergency, type GateName, passableGates } from "../../config/types-gates.ts";
import { ShiplockError } from "../../errors.ts";

const passable: ReadonlySet<GateName> = new Set(passableGates);

/**
 * Gates that an emergency passes: those that the environment's own setting names. Whatever it names, an emergency never passes the others: the lease and the queue, the scan,
 * secrets in the files, the schema, what has to be typed, and what is not older than what is live.
 */
export function passedBy(emergency: Emergency | undefined): ReadonlySet<GateName> {
  return new Set((emergency?.passes ?? []).filter((gate) => passable.has(gate)));
}

/** @throws ShiplockError `emergency/not-allowed` where the environment's configuration knows no emergency */
export function demandEmergencies(environment: string, emergency: Emergency | undefined): void {
  if (emergency !== undefined) return;
  throw new ShiplockError({
    code: "emergency/not-allowed",
    blame: "usage",
    message: `${environment} knows no emergency: which gates one may pass is the environment's own setting`,
    remedy: `write \`emergency: { passes: [reviewers, wait] }\` at \`environments.${environment}\` (it may name those that are set there of ${passableGates.join(", ")}); or deploy without --emergency`,
  });
}
