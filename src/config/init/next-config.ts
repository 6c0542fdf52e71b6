import { at, type Tree } from "./tree.ts";
import type { WrittenFile } from "./types.ts";
import { marker } from "./dockerfiles/ignore.ts";

/** How Next.js's standalone output comes about. */
export type StandaloneEdit =
  | { readonly kind: "there" }
  | { readonly kind: "edit"; readonly file: WrittenFile }
  | { readonly kind: "cannot"; readonly note: string };

const why = "switches Next.js's standalone output on: the server with those packages alone that it uses";

/**
 * What has to be written so that `next build` makes its standalone output: nothing where it does already, a configuration where there is none,
 * or one line in the configuration there is. A configuration that is made of more than a mapping is left to a person.
 */
export function standaloneEdit(tree: Tree, folder: string, config: string | undefined, edits: boolean): StandaloneEdit {
  if (config === undefined) {
    const file = {
      path: at(folder, "next.config.mjs"),
      text: `${marker}: the server with those packages alone that it uses.\nexport default { output: "standalone" };\n`.replace(
        "#",
        "//",
      ),
      kind: "whole",
      why,
    } as const;
    return { kind: "edit", file };
  }
  const text = tree.text(config) ?? "";
  if (/\boutput\s*:\s*["']standalone["']/.test(text)) return { kind: "there" };
  const place = !edits || /\boutput\s*:/.test(text) ? undefined : openingBrace(text);
  if (place === undefined) {
    return {
      kind: "cannot",
      note: `${config}: add output: "standalone" by hand and run init again; until then the image holds every production package`,
    };
  }
  const rest = text.slice(place);
  // A mapping on one line stays on one line.
  const line = /^[^\n]*\}/.test(rest) && !/^\s*\n/.test(rest);
  const added = line ? ` output: "standalone",` : `\n${indentOf(rest)}output: "standalone",`;
  return { kind: "edit", file: { path: config, text: text.slice(0, place) + added + rest, kind: "edit", why } };
}

/** Where the mapping that is exported begins, behind its brace. */
function openingBrace(text: string): number | undefined {
  const exported = /(?:module\.exports\s*=|export\s+default)\s*([A-Za-z_$][\w$]*)?/.exec(text);
  if (exported === null) return undefined;
  const after = text.slice(exported.index + exported[0].length);
  const [, name] = exported;
  if (name === undefined)
    return /^\s*\{/.test(after) ? behindBrace(text, exported.index + exported[0].length) : undefined;
  // A plugin around the mapping: withMDX(nextConfig), withSentry({ … }).
  const inner = /^\s*(?:\([^)]*\)\s*)?\(\s*([A-Za-z_$][\w$]*)/.exec(after)?.[1];
  for (const candidate of [inner, name]) {
    if (candidate === undefined) continue;
    const declared = new RegExp(
      `(?:const|let|var)\\s+${candidate.replaceAll("$", "\\$")}\\s*(?::[^=]+)?=\\s*(?=\\{)`,
    ).exec(text);
    if (declared !== null) return behindBrace(text, declared.index + declared[0].length);
  }
  return undefined;
}

function behindBrace(text: string, from: number): number {
  return text.indexOf("{", from) + 1;
}

function indentOf(rest: string): string {
  return /^\s*\n([ \t]+)\S/.exec(rest)?.[1] ?? "  ";
}
