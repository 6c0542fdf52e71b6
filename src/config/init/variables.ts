import { unique } from "./search-code.ts";
import { at, firstOf, has, type Tree } from "./tree.ts";
import type { Wanted } from "./types.ts";

const exampleFiles = [".env.example", ".env.sample", ".env.template", ".env.dist", "env.example", "example.env"];

/** Whether a variable's name, or what an example has for it, says that its value is nobody's business. */
export function isSecret(name: string, example = ""): boolean {
  if (
    /(SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|SIGNING|SALT|DSN|_KEY$|^KEY$)/i.test(
      name,
    )
  )
    return true;
  // An address with a login in it, and what looks like a key.
  return /:\/\/[^/\s]*:[^/\s]*@/.test(example) || /^(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+/_=-]{24,}$/.test(example);
}

/** The names of a file of variables, with the values that may be shown: of names and values that tell no secret. */
export function readVariables(text: string): readonly Wanted[] {
  return text.split(/\r?\n/).flatMap((line): Wanted[] => {
    const [, name, written] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)$/.exec(line) ?? [];
    if (name === undefined || written === undefined) return [];
    const bare = /^\s*(?:"([^"]*)"|'([^']*)'|([^#]*?))\s*(?:#.*)?$/.exec(written);
    const example = bare?.[1] ?? bare?.[2] ?? bare?.[3]?.trim() ?? "";
    if (isSecret(name, example)) return [{ name, optional: false, secret: true }];
    return [{ name, optional: false, ...(example === "" ? {} : { example }) }];
  });
}

/** What the example of variables nearest to a folder lists: its own, or the root's. */
export function examplesFor(tree: Tree, folder: string): readonly Wanted[] {
  const file = firstOf(tree, folder, exampleFiles) ?? firstOf(tree, "", exampleFiles);
  return file === undefined ? [] : readVariables(tree.text(file) ?? "");
}

/** Where an `env_file` is not in the repository: its names by the example beside it, or by the ignored file itself. */
export function namesOfMissing(tree: Tree, file: string): readonly Wanted[] {
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : "";
  const base = file.slice(folder === "" ? 0 : folder.length + 1);
  const beside = [`${base}.example`, `${base}.sample`, `${base}.template`, `${base}.dist`].map((name) =>
    at(folder, name),
  );
  const example = beside.find((path) => has(tree, path)) ?? firstOf(tree, folder, exampleFiles);
  const listed = example === undefined ? [] : readVariables(tree.text(example) ?? "");
  const ignored = (tree.ignoredVariables[file] ?? []).filter((name) => !listed.some((one) => one.name === name));
  return [...listed, ...wantedBy(ignored, [])];
}

/** What code and example want together; a name that only the example has may be left out. */
export function wantedBy(inCode: readonly string[], examples: readonly Wanted[]): readonly Wanted[] {
  const names = unique([...inCode, ...examples.map(({ name }) => name)]);
  return names.map((name) => {
    const listed = examples.find((one) => one.name === name);
    const secret = isSecret(name) || listed?.secret === true;
    return {
      name,
      optional: !inCode.includes(name),
      ...(listed?.example === undefined || secret ? {} : { example: listed.example }),
      ...(secret ? { secret } : {}),
    };
  });
}

/** Whether a variable holds the address of a database. */
export function isDatabaseAddress(name: string): boolean {
  return /^(DATABASE|DB|POSTGRES|POSTGRESQL|PG|SQLALCHEMY_DATABASE|SQLALCHEMY)_?(URL|URI|DSN)$/.test(name);
}

/** Which part of a database's address a variable holds. */
export function databasePart(name: string): "host" | "port" | "user" | "password" | "name" | undefined {
  const part =
    /^(?:DATABASE|DB|POSTGRES|POSTGRESQL|PG|SQL)_?(HOST|PORT|USER|USERNAME|PASSWORD|PASS|NAME|DB|DATABASE)$/.exec(
      name,
    )?.[1];
  switch (part) {
    case "HOST":
      return "host";
    case "PORT":
      return "port";
    case "USER":
    case "USERNAME":
      return "user";
    case "PASSWORD":
    case "PASS":
      return "password";
    case undefined:
      return undefined;
    default:
      return "name";
  }
}

/** Whether a variable holds the address of Redis, as cache or as queue. */
export function isRedisAddress(name: string): boolean {
  return /^(REDIS|CELERY_BROKER|BROKER|CACHE|CELERY_REDIS)_UR[LI]$|^CELERY_RESULT_(BACKEND|URL)$/.test(name);
}
