import { registerHooks } from "node:module";

/** GitHub's packages import their schemas as JSON without saying that it is JSON, which Node.js refuses. To be called before they are imported. */
export function allowJsonOfGitHub(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      const schema = found.url.endsWith(".json") && found.url.includes("/node_modules/@actions/");
      return schema ? { ...found, importAttributes: { type: "json" } } : found;
    },
  });
}
