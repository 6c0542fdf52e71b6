import { answersOf } from "./answers.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass } = answersOf("schema");

/** Says what happens to the database's schema. Kinds of migrations are not told apart yet, so it stops nothing. */
export const schemaGate: Gate = { name: "schema", judge };

function judge({ kind, state, migrates }: GateFacts): GateDecision {
  if (kind === "rollback")
    return pass(
      migrates.live
        ? `${state.live?.release ?? "the live release"} ran a migration, which stays: what is gone back to has to work with the schema as it is`
        : "the live release ran no migration",
    );
  return pass(migrates.next ? "its migration runs before it gets requests" : "it has no migration");
}
