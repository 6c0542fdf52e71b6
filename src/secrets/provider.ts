/**
 * What a provider says of a name. `unclear`: it could not be found out whether there is a secret of that name, and why, in words that hold no value. Such a name is
 * never passed over: a weaker secret of a broader level must not take its place.
 */
export type SecretAnswer = { kind: "value"; value: string; updatedAt: Date | null } | { kind: "unclear"; said: string };

/**
 * Where values of secrets come from. Contract:
 * - Making a provider does nothing; it reads when it is asked.
 * - `read` answers for names that it has, an empty value included, and leaves out those that it has not. It may be called more than once, also at the same time.
 * - What keeps it from answering at all (a file that cannot be read, no login, no answer in time) is an error with the provider's name, what happened and what to do; it
 *   is never taken for "not there".
 * - No value of a secret is in an error, in `said` or in `name`.
 * - `updatedAt` is when the value was last set, null where the provider does not know.
 * - `list` names what is there without reading a value, for those that can do so without the right to read.
 */
export type SecretProvider = {
  readonly kind: ProviderSettings["kind"];
  /** For people: `age file secrets/production.age`. */
  readonly name: string;
  read(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, SecretAnswer>>;
  list?(signal: AbortSignal): Promise<ReadonlyMap<string, { updatedAt: Date | null }>>;
};

/** The choice of a provider, as data. Files are absolute; `written` is what the configuration says, for people. */
export type ProviderSettings =
  | { readonly kind: "env" }
  | { readonly kind: "dotenv"; readonly file: string; readonly written: string }
  | { readonly kind: "age"; readonly file: string; readonly written: string }
  | (AwsPlace & {
      readonly kind: "aws-secrets-manager";
      /** One secret that is a JSON object of names and values. */
      readonly secret: string | undefined;
      /** Beginning of the names of secrets, one for each name. */
      readonly prefix: string | undefined;
    })
  | (AwsPlace & { readonly kind: "aws-ssm"; readonly prefix: string })
  | {
      readonly kind: "command";
      /** Argument list; `{name}` in it stands for the secret's name. */
      readonly run: readonly string[];
      readonly timeoutMs: number;
      /** Exit codes that mean "there is no secret of that name". */
      readonly absent: readonly number[];
      /** Folder it runs in. */
      readonly folder: string;
    };

export type AwsPlace = {
  /** `undefined`: what the AWS SDK finds. */
  readonly region: string | undefined;
  /** Role that is taken on with the OIDC token of the run. */
  readonly role: string | undefined;
};

export type Variables = Readonly<Record<string, string | undefined>>;

/** How narrow a setting is: what one environment has comes before what the project has, and that before the organization's. */
export type Level = "environment" | "project" | "organization";
