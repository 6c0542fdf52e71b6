import * as z from "zod";
import * as part from "./schema-parts.ts";

/** Days that a secret may be old: no timer waits for them, so they may be many. */
function age() {
  return z.string().regex(/^[1-9]\d{0,3}d$/, 'must be a number of days such as "90d"');
}

function awsPlace() {
  return {
    region: part.filledText().optional().describe("Region. Default: `AWS_REGION`, or what the AWS profile says."),
    role: z
      .string()
      .regex(/^arn:[a-z-]+:iam::\d{12}:role\/[!-~]+$/, 'must be a role such as "arn:aws:iam::123456789012:role/deploy"')
      .optional()
      .describe(
        "Role that is taken on with the OIDC token of the run (GitHub Actions, `AWS_WEB_IDENTITY_TOKEN_FILE`).",
      ),
  };
}

function secretsManager() {
  const shape = z.strictObject({
    secret: part.filledText().optional().describe("One secret that is a JSON object of names and values."),
    prefix: part.filledText().optional().describe("One secret for each name, and what stands before the name."),
    ...awsPlace(),
  });
  return part.oneKeyOf(shape, ["secret", "prefix"]);
}

function ssm() {
  return z.strictObject({
    prefix: z
      .string()
      .regex(/^\/(?:[A-Za-z0-9_.-]+\/)*$/, 'must begin and end with "/", such as "/shop/production/"')
      .describe("What stands before each name."),
    ...awsPlace(),
  });
}

function program() {
  return z.union([
    part.command(),
    z.strictObject({
      run: part
        .command()
        .describe("Argument list; `{name}` in it stands for the secret's name. What it prints is the value."),
      timeout: part.durationFrom(1, "1ms").optional().describe('For one secret. Default: "30s".'),
      absent: z
        .array(z.int().min(1).max(255))
        .optional()
        .describe("Exit codes that mean that there is no such secret. Default: none; printing nothing means it too."),
    }),
  ]);
}

export function secretProviders() {
  const shape = z.strictObject({
    dotenv: part.filledText().optional().describe("File of `NAME=value` lines, relative to this file."),
    age: part
      .filledText()
      .optional()
      .describe("File in the repository that is encrypted with age, relative to this file; see `shiplock secrets`."),
    "aws-secrets-manager": secretsManager().optional().describe("AWS Secrets Manager."),
    "aws-ssm": ssm().optional().describe("Parameters of AWS Systems Manager, decrypted."),
    command: program().optional().describe("Any program that prints a secret, as a list of arguments, or a mapping."),
  });
  const keys = ["dotenv", "age", "aws-secrets-manager", "aws-ssm", "command"];
  return z.array(z.union([z.enum(["env"]), part.oneKeyOf(shape, keys)])).min(1);
}

/** What may be said of secrets at every level. */
export function secretChoices() {
  return {
    providers: secretProviders()
      .optional()
      .describe(
        "Where values are looked for, in this order; `env`: the environment of the command. The environment's come before the project's, and those before the organization's. Default, where no level has any: `[env]`.",
      ),
    maxAge: age()
      .optional()
      .describe(
        "From this age on, `status`, `deploy` and `secrets list` say that a value should be renewed. Default: never.",
      ),
  };
}

/** Secrets of the project or of the organization. */
export function sharedSecrets() {
  return z.strictObject(secretChoices());
}

export function sharedVariables() {
  return z.record(part.variableName("plain"), part.text());
}

/** What an organization's file may hold. */
export const organizationSchema = z.strictObject({
  variables: sharedVariables().optional(),
  secrets: sharedSecrets().optional(),
});

export type OrganizationInput = z.infer<typeof organizationSchema>;
export type SecretProviderInput = z.infer<ReturnType<typeof secretProviders>>[number];
