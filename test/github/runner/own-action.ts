import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ParsedAction, parseActionOfficially } from "../official/action.ts";
import type { Evaluation } from "../official/expressions.ts";

/** The action that is tested, ready to be run: the files that are checked in, never the sources behind them. */
export type OwnAction = ParsedAction & { readonly folder: string };

/**
 * What `uses` names, if that is the action under test.
 * @throws Error where an action of this repository was not checked out
 */
export function findOwnAction(
  uses: string,
  { workspace, action }: { workspace: string; action: { uses: string; folder: string } | undefined },
): OwnAction | null {
  if (uses.startsWith("./")) return readAction(resolve(workspace, uses), uses);
  if (action === undefined || uses !== action.uses) return null;
  return readAction(action.folder, uses);
}

function readAction(folder: string, uses: string): OwnAction {
  const file = join(folder, "action.yml");
  if (!existsSync(file)) throw new Error(`Can't find 'action.yml' for ${uses}: was it checked out before?`);
  return { ...parseActionOfficially(file, readFileSync(file, "utf8")), folder };
}

/**
 * The inputs as the action's process finds them.
 * @throws Error for an input that the action does not have: GitHub only warns, and passes it on
 */
export function inputVariables(
  action: OwnAction,
  given: Readonly<Record<string, string>>,
  evaluation: Evaluation,
): Record<string, string> {
  const unknown = Object.keys(given).filter((name) => !action.inputs.some((input) => input.name === name));
  if (unknown.length > 0) throw new Error(`Unexpected input(s) '${unknown.join("', '")}'`);
  return Object.fromEntries(
    action.inputs.map(({ name, preset }) => [
      `INPUT_${name.replaceAll(" ", "_").toUpperCase()}`,
      given[name] ?? (preset === undefined ? "" : evaluation.text(preset)),
    ]),
  );
}
