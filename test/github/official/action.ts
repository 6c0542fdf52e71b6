import { allowJsonImports } from "./json-imports.ts";
import type { Tree } from "./parser.ts";
import { treeOf } from "./parser.ts";

allowJsonImports();
const parser = await import("@actions/workflow-parser");
const actions = await import("@actions/workflow-parser/actions/index");

/** A JavaScript action, as GitHub's own parser reads its `action.yml`. */
export type ParsedAction = {
  readonly inputs: readonly { readonly name: string; readonly required: boolean; readonly preset: Tree | undefined }[];
  readonly outputs: readonly string[];
  /** Files, relative to the action's folder. */
  readonly main: string;
  readonly post: string | undefined;
  /** When the post step runs; by itself, always. */
  readonly postIf: string;
};

/**
 * Reads an `action.yml` with GitHub's own parser.
 * @throws Error with every complaint of theirs, and for what is no JavaScript action of Node.js 24
 */
export function parseActionOfficially(file: string, content: string): ParsedAction {
  const { context, value } = actions.parseAction({ name: file, content }, new parser.NoOperationTraceWriter());
  const template = value === undefined ? undefined : actions.convertActionTemplate(context, value);
  const errors = context.errors.getErrors().map(({ message }) => message);
  if (template === undefined || errors.length > 0)
    throw new Error(`GitHub's parser does not take ${file}:\n${errors.join("\n")}`);
  const { runs } = template;
  if (runs.using !== "node24" || runs.pre !== undefined)
    throw new Error(`${file}: expected runs.using: node24, and no pre`);
  return {
    inputs: (template.inputs ?? []).map(({ id, required, default: preset }) => ({
      name: id,
      required: required === true,
      preset: preset === undefined ? undefined : treeOf(preset),
    })),
    outputs: (template.outputs ?? []).map(({ id }) => id),
    main: runs.main,
    post: runs.post,
    postIf: runs.postIf ?? "always()",
  };
}
