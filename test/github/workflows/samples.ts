import fc from "fast-check";
import { stringify } from "yaml";
import { parseConfig } from "../../../src/config/load.ts";
import type { ConfigInput } from "../../../src/config/schema.ts";
import { workflowsOf } from "../../../src/github/workflows/generate.ts";
import type { PreviewPolicy, WorkflowFile } from "../../../src/github/workflows/types.ts";

export const action = { uses: "shiplock/shiplock@1f2e3d4c5b6a798897a6b5c4d3e2f1a0b9c8d7e6", version: "v0.1.0" };

type Environments = ConfigInput["environments"];
type Checks = NonNullable<ConfigInput["checks"]>;

const compose = (host: string): Environments[string]["target"] => ({ compose: { hosts: [host] } });

/** An environment with what it takes and no more. */
export function environment(more: Partial<Environments[string]> = {}): Environments[string] {
  return { target: compose("deploy@10.0.0.5"), ...more };
}

/** A configuration with what it takes and no more, and these keys. */
export function input(more: Partial<ConfigInput> = {}): ConfigInput {
  return {
    project: "shop",
    registry: { address: "registry.example.com/shop" },
    images: { web: { context: "web" } },
    services: { web: { image: "web", port: 3000, health: "/health" } },
    environments: { staging: environment() },
    ...more,
  };
}

/** The workflows of a configuration. */
export function workflows(
  written: ConfigInput,
  { configPath = "shiplock.yml", previews = null }: { configPath?: string; previews?: PreviewPolicy | null } = {},
): readonly WorkflowFile[] {
  const config = parseConfig(stringify(written), `/shop/${configPath}`, {});
  return workflowsOf({ config, configPath, action, previews });
}

const local: Environments[string]["target"] = { compose: { hosts: [{ local: true, name: "here" }] } };

/** Configurations of the kinds that there are. */
export const kinds: Readonly<Record<string, ConfigInput>> = {
  "one environment that is deployed by hand": input(),
  "a push to staging": input({ environments: { staging: environment({ on: { push: "main" }, guard: true }) } }),
  "staging, then production, from one push": input({
    environments: {
      staging: environment({ on: { push: "main" } }),
      production: environment({ on: { push: "main" }, after: { staging: "10m" }, confirm: true }),
    },
  }),
  "production by tags, with reviewers": input({
    environments: {
      staging: environment({ on: { push: ["main", "release/**/*"] } }),
      production: environment({
        on: { tags: "v*" },
        tags: "v*",
        reviewers: { people: ["ada", "grace"], count: 2 },
        emergency: { passes: ["reviewers"] },
      }),
    },
  }),
  "checks with needs, matrices, services and artifacts": input({
    checks: {
      lint: { image: "node:24", run: "npm run lint" },
      build: { image: "node:24", needs: ["lint"], run: "npm run build", artifacts: ["dist"] },
      test: {
        image: "node:${NODE}",
        needs: ["build"],
        matrix: { NODE: [22, 24], DB: ["16", "17"] },
        services: { db: { image: "postgres:${DB}", health: "pg_isready", startPeriod: "1m" } },
        run: "npm test",
        retries: 2,
        secrets: ["LICENCE_KEY"],
      },
      links: { process: true, run: "./check-links", required: false, cached: false },
    },
    environments: { staging: environment({ on: { push: "main" } }) },
  }),
  "checks alone that nothing requires": input({
    checks: { links: { process: true, run: "./check-links", required: false } },
  }),
  "after the team's own CI": input({
    environments: {
      staging: environment({ on: { push: "main", checks: ["CI", "Lint all"] }, statuses: ["ci/build"] }),
      production: environment({
        on: { push: "main", checks: ["CI"] },
        after: { staging: "0s" },
        reviewed: { approvals: 2 },
      }),
    },
    checks: { lint: { process: true, run: "true" } },
  }),
  "by time": input({
    environments: {
      nightly: environment({ on: { push: "develop", schedule: ["0 3 * * 1-5", "*/30 * * * *"] } }),
      weekly: environment({ on: { schedule: "0 4 * * sun" }, branches: ["main", "develop"] }),
    },
    checks: { lint: { process: true, run: "true" } },
  }),
  "GitHub's own registry": input({
    registry: { address: "ghcr.io/acme", username: "${GITHUB_ACTOR}", password: "GITHUB_TOKEN", cache: true },
    environments: { staging: environment({ on: { push: "main" } }) },
  }),
  "hosts that are runners": input({
    github: { runner: ["self-hosted", "linux"], ledger: false, token: "SHIPLOCK_TOKEN" },
    environments: { box: environment({ on: { push: "main" }, target: local }) },
  }),
  "images that differ by environment, and no registry": input({
    registry: undefined,
    images: { web: { args: { API_URL: "${API_URL}", FLAG: "${FLAG:-off}" }, secrets: ["NPM_TOKEN"] } },
    environments: {
      staging: environment({ variables: { API_URL: "https://staging.example.com" }, secrets: ["DATABASE_PASSWORD"] }),
      production: environment({ variables: { API_URL: "https://example.com" }, secrets: ["DATABASE_PASSWORD"] }),
    },
  }),
  "images for several machines": input({
    images: { web: { platforms: ["linux/amd64", "linux/arm64", "linux/arm/v7"] } },
    environments: { staging: environment({ on: { push: "main" } }) },
  }),
  "secrets from AWS and from a file": input({
    secrets: {
      providers: [
        "env",
        { age: "secrets.age" },
        { "aws-ssm": { prefix: "/shop/", role: "arn:aws:iam::123456789012:role/x" } },
      ],
    },
    environments: { production: environment({ secrets: ["DATABASE_PASSWORD"], on: { push: "main" } }) },
  }),
  "everybody is told": input({
    notify: [
      { "commit-status": true },
      { "pull-request": true, events: ["check-failed", "succeeded"] },
      { slack: { channel: "#deploys", token: "SLACK_BOT_TOKEN" }, environments: ["staging"] },
    ],
    checks: { lint: { process: true, run: "true" } },
    environments: { staging: environment({ on: { push: "main" } }), production: environment() },
  }),
};

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/);
const secret = fc.constantFrom("TOKEN", "DATABASE_PASSWORD", "NPM_TOKEN");
const pattern = fc.constantFrom(
  ...'main|develop|release/*|v*|**/hotfix|release/**/*|v[0-9].?|[!m]*|c++|it\'s|a$(b)|feature/"x"|\\*'.split("|"),
);
const cron = fc.constantFrom("0 3 * * 1-5", "*/15 * * * *", "5 4 * * sun");
const duration = fc.constantFrom("30s", "10m", "3h", "6d");
const text = fc.oneof(
  fc.constantFrom(
    "17",
    "1.10",
    "a b",
    "true",
    "null",
    "${{ secrets.TOKEN }}",
    "it's",
    "#x",
    "- y",
    "a: b",
    "[z]",
    "ü",
    "*",
  ),
  fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom(..."ab1 .:'\"#-{}[]$&*!|>%@`,") }),
);

function some<Made>(shape: { [Key in keyof Made]: fc.Arbitrary<Made[Key]> }): fc.Arbitrary<Partial<Made>> {
  return fc.record(shape, { requiredKeys: [] }) as fc.Arbitrary<Partial<Made>>;
}

const checks = fc
  .uniqueArray(
    fc.record({
      name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,6}$/),
      needs: fc.array(fc.nat(5), { maxLength: 2 }),
      more: some({
        matrix: fc.dictionary(
          fc.constantFrom("NODE", "include", "DB"),
          fc.uniqueArray(text, { minLength: 1, maxLength: 3 }),
          {
            minKeys: 1,
            maxKeys: 2,
          },
        ),
        secrets: fc.constant<string[]>(["TOKEN"]),
        artifacts: fc.constant<string[]>(["dist"]),
        timeout: duration,
        retries: fc.nat(3),
        cached: fc.boolean(),
        required: fc.boolean(),
      }),
    }),
    { selector: ({ name: each }) => each.toLowerCase(), maxLength: 5 },
  )
  .map(
    (all): Checks =>
      Object.fromEntries(
        all.map(({ name: each, needs, more }, index) => [
          each,
          {
            ...more,
            process: true,
            run: "true",
            needs: [...new Set(needs.filter((need) => need < index).map((need) => all[need]?.name ?? ""))],
          },
        ]),
      ),
  );

const gates = some({
  on: some({
    push: fc.uniqueArray(pattern, { minLength: 1, maxLength: 3 }),
    tags: fc.uniqueArray(pattern, { minLength: 1, maxLength: 2 }),
    checks: fc.uniqueArray(fc.constantFrom("CI", "it's ours", "Build: all"), { minLength: 1 }),
    schedule: fc.uniqueArray(cron, { minLength: 1, maxLength: 2 }),
  })
    .filter((on) => on.checks === undefined || on.push !== undefined)
    // A schedule is one of a branch that the environment names.
    .map((on) => (on.schedule === undefined ? on : { ...on, push: ["main", ...(on.push ?? [])] })),
  reviewers: fc.constant<{ people: string[] }>({ people: ["ada"] }),
  wait: duration,
  confirm: fc.boolean(),
  statuses: fc.constant<string[]>(["ci"]),
  reviewed: fc.constant({ approvals: 1 }),
  emergency: fc.constant<{ passes: ("wait" | "reviewers")[] }>({ passes: ["wait"] }),
  secrets: fc.uniqueArray(secret),
  // An emergency passes only what is there.
}).map((made) => (made.emergency === undefined ? made : { wait: "10m", ...made }));

/** Without what is empty, which a configuration leaves out. */
function filled<Given extends object>(given: Given): Given {
  const kept = Object.entries(given).filter(
    ([, value]) => typeof value !== "object" || value === null || Object.keys(value).length > 0,
  );
  return Object.fromEntries(kept) as Given;
}

/** Any configuration, in what workflows are made from. */
export const anyInput: fc.Arbitrary<ConfigInput> = fc
  .record({
    checks,
    environments: fc.uniqueArray(fc.tuple(name, gates, fc.boolean(), fc.boolean()), {
      selector: ([each]) => each,
      minLength: 1,
      maxLength: 4,
    }),
    images: fc.dictionary(name, some({ secrets: fc.uniqueArray(secret) }), { minKeys: 1, maxKeys: 2 }),
    registry: fc.constantFrom<ConfigInput["registry"]>(
      undefined,
      { address: "registry.example.com/shop" },
      { address: "ghcr.io/acme", username: "${GITHUB_ACTOR}", password: "GITHUB_TOKEN", cache: true },
    ),
    notify: fc.subarray<NonNullable<ConfigInput["notify"]>[number]>([
      { "commit-status": true },
      { "pull-request": true, events: ["check-failed"] },
      { slack: { webhook: "SLACK_WEBHOOK_URL" } },
    ]),
    github: some({
      runner: fc.constantFrom<string | string[]>("ubuntu-24.04", ["self-hosted", "linux, big"]),
      ledger: fc.boolean(),
      token: fc.constant("SHIPLOCK_TOKEN"),
    }),
    secrets: some({
      providers: fc.subarray<"env" | { age: string } | { "aws-ssm": { prefix: string } }>(
        ["env", { age: "x.age" }, { "aws-ssm": { prefix: "/x/" } }],
        { minLength: 1 },
      ),
    }),
  })
  .map(({ environments, images, ...more }) => ({
    ...input(filled(more)),
    images,
    services: { web: { image: Object.keys(images)[0] ?? "", port: 3000, health: "/health" } },
    environments: Object.fromEntries(
      environments.map(([each, { on, ...written }, later, here], index) => {
        const [first] = environments;
        return [
          each,
          environment({
            ...filled({ ...written, on }),
            ...(later && index > 0 && first !== undefined ? { after: { [first[0]]: "5m" } } : {}),
            target: here ? local : compose("deploy@10.0.0.5"),
          }),
        ];
      }),
    ),
  }));
