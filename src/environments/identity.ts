/**
 * Who somebody is. `name` stands in records and messages. `aliases` are further names of the same person (mail address, login), by which a configuration may
 * name them too. `source` says who vouches for it: `local` is the operating system's user with what git is told, which a person can choose; `github` is a login, as GitHub has
 * told it to the runner of a workflow.
 */
export type Identity = {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly source: "local" | "github" | "token";
};

/** Says who somebody is. On a machine of one's own it is the machine; behind a server it will be a token. */
export type IdentityProvider = {
  /** Who asks now. May ask other programs; always answers. */
  identify(): Promise<Identity>;
};

/** Whether two identities are one person: any name they share, whatever its case. */
export function samePerson(left: Identity, right: Identity): boolean {
  const names = namesOf(left);
  return namesOf(right).some((name) => names.includes(name));
}

/** Whether a configuration's name means this person. */
export function isNamedBy(person: Identity, written: string): boolean {
  return namesOf(person).includes(written.toLowerCase());
}

function namesOf({ name, aliases }: Identity): string[] {
  return [name, ...aliases].map((each) => each.toLowerCase());
}
