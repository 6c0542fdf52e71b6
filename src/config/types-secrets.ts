/** How narrow a setting is: what one environment has comes before what the project has, and that before the organization's. */
export type ConfigLevel = "environment" | "project" | "organization";

/** Where values of secrets are looked for. Files are absolute; `written` is what the file says, for people. */
export type SecretProviderChoice =
  | { readonly kind: "env" }
  | { readonly kind: "dotenv" | "age"; readonly file: string; readonly written: string }
  | {
      readonly kind: "aws-secrets-manager";
      /** One secret that is a JSON object; exactly one of this and `prefix` is given. */
      readonly secret: string | undefined;
      readonly prefix: string | undefined;
      readonly region: string | undefined;
      readonly role: string | undefined;
    }
  | {
      readonly kind: "aws-ssm";
      readonly prefix: string;
      readonly region: string | undefined;
      readonly role: string | undefined;
    }
  | {
      readonly kind: "command";
      readonly run: readonly string[];
      readonly timeoutMs: number;
      /** Exit codes that mean "no such secret". */
      readonly absent: readonly number[];
      readonly folder: string;
    };

export type SecretSourceChoice = { readonly level: ConfigLevel; readonly provider: SecretProviderChoice };

/** Where secrets come from, the narrowest level first, in each level in the order that was written; never empty. */
export type SecretPolicy = {
  readonly sources: readonly SecretSourceChoice[];
  /** From when on a value is told to be old; `undefined`: never. */
  readonly maxAgeMs: number | undefined;
};

/** What several projects have in common; see `loadOrganization`. Its variables are those of every environment that has none of that name. */
export type Organization = {
  /** Absolute path of the file that was read. */
  readonly file: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly providers: readonly SecretProviderChoice[];
  readonly maxAgeMs: number | undefined;
};
