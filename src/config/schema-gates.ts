import * as z from "zod";
import { isCron } from "./cron.ts";
import * as part from "./schema-parts.ts";
import { passableGates } from "./types-gates.ts";
import { isTimeZone, weekTime } from "./week-time.ts";

function patterns(what: string) {
  const list = () => z.array(part.filledText()).min(1);
  return z
    .union([part.filledText(), list()])
    .optional()
    .describe(`${what} Patterns as on GitHub: \`release/*\`, \`v*\`.`);
}

function names(what: string) {
  const name = () => part.filledText().max(255, `must be the name of ${what}, at most 255 characters`);
  return z.union([name(), z.array(name()).min(1)]);
}

function cron() {
  return z.string().refine(isCron, 'must be five fields as cron has them: "0 3 * * 1-5"');
}

function zone() {
  return z
    .string()
    .refine(isTimeZone, 'must be a time zone such as "Europe/Berlin" or "UTC"')
    .optional()
    .describe('Time zone of these times: "Europe/Berlin". Default: "UTC".');
}

function reason() {
  return part.filledText().optional().describe("Why; shown to whoever is stopped.");
}

function dayTime() {
  return z
    .string()
    .regex(
      /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2})?$/,
      'must be a day such as "2026-12-20", with a time such as "2026-12-20 18:00" if need be',
    );
}

/** When nothing is deployed: every week, or once. */
export function freeze() {
  const point = () => z.string().refine((written) => weekTime(written) !== undefined, 'must be such as "fri 16:00"');
  return z.array(
    z.union([
      z.strictObject({
        weekly: z
          .strictObject({
            from: point().describe('Weekday and time: "fri 16:00".'),
            until: point().describe('Weekday and time: "mon 08:00".'),
          })
          .describe("Every week."),
        zone: zone(),
        reason: reason(),
      }),
      z.strictObject({
        from: dayTime().describe('First day, or the moment it begins: "2026-12-20", "2026-12-20 18:00".'),
        until: dayTime().describe("The moment it ends; a day ends it when that day begins."),
        zone: zone(),
        reason: reason(),
      }),
    ]),
  );
}

/** People who approve together, by the team's name. */
export function teams() {
  return z.record(part.environmentName(), z.array(part.filledText()).min(1));
}

function reviewers() {
  const people = () => z.array(part.filledText()).min(1);
  return z.union([
    people(),
    z.strictObject({
      people: people().optional().describe("Names or mail addresses of people, any of whom may approve."),
      teams: z.array(z.string()).min(1).optional().describe("Names of `teams`."),
      count: z.int().min(1).max(20).optional().describe("How many have to approve. Default: 1."),
      selfReview: z
        .boolean()
        .optional()
        .describe("Whether who asked for the deployment, or for it once more, may approve it. Default: false."),
      valid: part.durationFrom(1000, "1s").optional().describe('How long an approval counts. Default: "24h".'),
    }),
  ]);
}

/** The gates of an environment: who may put what there, and when. */
export function gates() {
  return {
    on: z
      .strictObject({
        push: patterns("Branches whose commits come here by themselves (`--automatic`)."),
        tags: patterns("Tags that come here by themselves."),
        checks: names("a workflow")
          .optional()
          .describe("Workflows of your own CI, by name: what `push` names comes here when they have passed for it."),
        schedule: z
          .union([cron(), z.array(cron()).min(1)])
          .optional()
          .describe(
            'When the environment\'s own branch comes here, in UTC, as cron writes it: "0 3 * * 1-5". It is the first plain one of `push`, or else of `branches`.',
          ),
      })
      .optional()
      .describe("What is deployed here by itself, from CI with `--automatic`."),
    guard: z
      .boolean()
      .optional()
      .describe(
        "What somebody has deployed here from another branch than those of `on.push` is not overwritten by an automatic deployment. Default: false.",
      ),
    statuses: names("a status")
      .optional()
      .describe(
        "What your own CI has to have reported for the commit on GitHub as a success: names of statuses and check runs.",
      ),
    reviewed: z
      .union([
        z.boolean(),
        z.strictObject({
          approvals: z.int().min(1).max(20).optional().describe("How many have to have approved it. Default: 1."),
        }),
      ])
      .optional()
      .describe(
        "Whether the commit has to have come through a pull request on GitHub that was approved. Default: false.",
      ),
    branches: patterns("Branches that may be deployed here. Default: any, unless `tags` is given."),
    tags: patterns("Tags that may be deployed here. Default: any, unless `branches` is given."),
    after: z
      .union([z.array(z.string()).min(1), z.record(z.string(), part.duration())])
      .optional()
      .describe(
        "Environments where the release has to run before, with how long it has to be healthy there: `{ staging: 10m }`.",
      ),
    confirm: z
      .boolean()
      .optional()
      .describe("Deploying here needs the environment's name typed: `--confirm production`. Default: false."),
    reviewers: reviewers().optional().describe("Who has to approve a deployment before it begins."),
    wait: part
      .duration()
      .optional()
      .describe("Time between the request and the deployment, in which it can be cancelled. Default: 0."),
    freeze: freeze().optional().describe("When nothing is deployed here, beside the project's `freeze`."),
    emergency: z
      .strictObject({
        passes: z.array(z.enum(passableGates)).min(1).describe("Gates that `--emergency --reason …` passes."),
        review: part
          .durationFrom(60_000, "1m")
          .optional()
          .describe('Until when somebody else has to look at it afterwards. Default: "24h".'),
      })
      .optional()
      .describe("What an emergency may pass. Without it there is no `--emergency` here."),
    drift: z
      .enum(["report", "block"])
      .optional()
      .describe("Whether what runs otherwise than recorded keeps a deployment from beginning. Default: `report`."),
    expires: part
      .durationFrom(60_000, "1m")
      .optional()
      .describe('How long a request may wait for its gates and its turn. Default: "7d".'),
  };
}
