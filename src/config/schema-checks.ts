import * as z from "zod";
import * as part from "./schema-parts.ts";

function shellOrArguments() {
  return z.union([part.filledText(), part.command()]);
}

/** A path below the check's directory: nothing outside the commit's files is read or kept. */
function pathInside() {
  return z
    .string()
    .regex(
      /^(?!\/)(?!(?:.*\/)?\.\.(?:\/|$))[^\0]+$/,
      'must be a path below the check\'s directory, without ".." and not starting with "/"',
    );
}

function service() {
  return z.strictObject({
    image: part.filledText().describe("Image, such as `postgres:17`. May hold `${NAME}` of the matrix."),
    env: z.record(part.variableName("plain"), part.text()).optional().describe("Variables of its container."),
    command: part
      .command()
      .optional()
      .describe("Command instead of the image's own, as a list of arguments: `[postgres, -c, fsync=off]`."),
    health: shellOrArguments()
      .optional()
      .describe(
        "Command in its container that passes once it can be used: `pg_isready`. Default: the image's own `HEALTHCHECK`.",
      ),
    startPeriod: part.durationFrom(1000, "1s").optional().describe('Time to become healthy. Default: "60s".'),
  });
}

/** One check of the gate. */
export function check() {
  const shape = z.strictObject({
    image: part
      .filledText()
      .optional()
      .describe("Image of the container that the check runs in. May hold `${NAME}` of the matrix."),
    process: z
      .literal(true)
      .optional()
      .describe("Runs as a process of this machine, in a clean folder, where no container engine is wanted."),
    run: shellOrArguments().describe(
      "What it runs: a line for `sh -e`, or a list of arguments that no shell takes apart.",
    ),
    directory: pathInside().optional().describe("Folder to run in, relative to this file. Default: its folder."),
    needs: z.array(z.string()).optional().describe("Checks that have to pass before; their artifacts lie ready."),
    matrix: z
      .record(part.variableName("plain"), z.array(z.union([z.string(), z.number(), z.boolean()])).min(1))
      .optional()
      .describe(
        "Runs once for every combination of these values. They are variables of the check, and `${NAME}` in `image`, `env` and services.",
      ),
    env: z.record(part.variableName("plain"), part.text()).optional().describe("Variables of the check."),
    secrets: z
      .array(part.variableName("secret"))
      .optional()
      .describe("Names of secrets that it gets as variables; they are masked in its output."),
    services: z
      .record(
        z
          .string()
          .regex(
            /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
            "must be lower-case letters, digits and hyphens, at most 63",
          ),
        service(),
      )
      .optional()
      .describe("Backing services beside it, reachable by these names; started anew for it and removed afterwards."),
    caches: z
      .array(
        z.strictObject({
          path: part
            .filledText()
            .describe("Folder that is kept: below the check's directory, or absolute in its container."),
          key: z.array(pathInside()).min(1).describe("Files that the cache belongs to, such as `package-lock.json`."),
        }),
      )
      .optional()
      .describe("Folders that are kept between runs, as long as their files stay the same."),
    files: z
      .array(part.filledText())
      .min(1)
      .optional()
      .describe(
        "What the check reads, as patterns from the root of the repository: `web/**`, `!**/*.md`. It gets no other file, and is answered from the cache while they stay the same. Default: every file.",
      ),
    artifacts: z
      .array(pathInside())
      .optional()
      .describe("Files and folders that are kept, also when it failed, and handed to checks that need this one."),
    junit: z
      .union([pathInside(), z.array(pathInside()).min(1)])
      .optional()
      .describe("JUnit reports to read."),
    coverage: z
      .strictObject({
        file: pathInside().describe("Report in lcov's or Cobertura's format."),
        format: z.enum(["lcov", "cobertura"]).optional().describe("Default: what the file looks like."),
        atLeast: z.number().min(0).max(100).optional().describe("Per cent of lines; less fails the check."),
      })
      .optional()
      .describe("Coverage report to read."),
    warnings: z
      .strictObject({
        file: pathInside().describe("Report as ESLint's JSON or SARIF."),
        format: z.enum(["eslint", "sarif"]).optional().describe("Default: what the file looks like."),
        atMost: z.int().min(0).optional().describe("Warnings that are let through; more fail the check. Default: 0."),
      })
      .optional()
      .describe("Report of warnings to count."),
    timeout: part.durationFrom(1000, "1s").optional().describe('For one try. Default: "10m".'),
    retries: z.int().min(0).max(5).optional().describe("Further tries after a failure. Default: 0."),
    network: z
      .enum(["default", "host", "none"])
      .optional()
      .describe(
        "Network of the container. Default: one of its own with its services; `host` where only this machine reaches the package registry.",
      ),
    cached: z.boolean().optional().describe("`false`: it runs every time. Default: true."),
    required: z.boolean().optional().describe("`false`: it is told, but nothing waits for it. Default: true."),
  });
  return part.oneKeyOf(shape, ["image", "process"]);
}
