import * as z from "zod";
import * as part from "./schema-parts.ts";

function hook() {
  return z.strictObject({
    run: z
      .union([part.filledText(), part.command()])
      .describe("What it runs: a line for `sh -e`, or a list of arguments that no shell takes apart."),
    name: part.filledText().optional().describe("Its name in output. Default: what it runs, shortened."),
    timeout: part.durationFrom(1, "1ms").optional().describe('When it is stopped, and has failed. Default: "5m".'),
    onFailure: z
      .enum(["stop", "continue", "rollback"])
      .optional()
      .describe(
        "`stop`: everything is taken back (before the release is recorded as live); `continue`: it is noted; `rollback`: another deployment goes back (in `after`). Default: `stop`; `continue` in `after`.",
      ),
    environment: z
      .record(part.variableName("plain"), part.text())
      .optional()
      .describe("Variables that it gets besides Shiplock's own. Taken as they are."),
    secrets: z
      .array(part.variableName("secret"))
      .optional()
      .describe("Names of secrets that it gets as variables; they are masked in its output."),
  });
}

/** The team's own commands at the points of a deployment. */
export function hooks() {
  const list = () => z.array(hook()).optional();
  return z.strictObject({
    before: list().describe("Before anything is touched."),
    beforeTraffic: list().describe(
      "Once the first containers of the new release are ready, before it gets its first request.",
    ),
    afterTraffic: list().describe(
      "Once all traffic has moved, before it is observed for the last time and recorded as live.",
    ),
    after: list().describe("Once the deployment is done."),
    afterFailure: list().describe("Once the deployment has failed and was taken back, or needs a person."),
  });
}

/** The watch over a release that has just become live. */
export function watch() {
  return z.strictObject({
    for: part.durationFrom(1000, "1s").describe("How long the release is watched after it has become live."),
    every: part.durationFrom(100, "100ms").optional().describe('Between two looks. Default: "5s".'),
    failures: z.int().min(1).max(100).optional().describe("Bad looks in a row that make it bad. Default: 3."),
    restarts: z
      .int()
      .min(0)
      .max(1000)
      .optional()
      .describe("How often each container may restart during the watch before a look is bad. Default: 0."),
    onFailure: z
      .enum(["rollback", "report"])
      .optional()
      .describe("`rollback`: another deployment goes back by itself; `report`: it is only told. Default: `rollback`."),
  });
}
