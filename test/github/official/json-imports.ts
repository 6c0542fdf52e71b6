import { registerHooks } from "node:module";

/** GitHub's own packages import their schemas as JSON without saying so, which Node.js refuses. Call this before importing `@actions/workflow-parser` or `@actions/languageservice`. */
export function allowJsonImports(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      if (!resolved.url.endsWith(".json") || !resolved.url.includes("/node_modules/@actions/")) return resolved;
      return { ...resolved, importAttributes: { type: "json" } };
    },
  });
}
