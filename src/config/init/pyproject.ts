/** What of a `pyproject.toml` is looked at. */
export type Pyproject = {
  readonly name: string | undefined;
  readonly requiresPython: string | undefined;
  /** Of the program itself. */
  readonly dependencies: readonly string[];
  /** Of its tests and tools: optional dependencies and dependency groups. */
  readonly development: readonly string[];
  /** Names of the tables: "tool.ruff", "tool.poetry". */
  readonly tables: readonly string[];
};

/**
 * Reads the tables, texts and lists of texts of a `pyproject.toml`; what it does not understand it passes over. This is no TOML parser: it
 * knows what the files of packaging tools are made of.
 */
export function readPyproject(text: string): Pyproject {
  const tables = new Map<string, Map<string, string>>();
  let table = new Map<string, string>();
  tables.set("", table);
  for (const line of statements(text)) {
    const header = /^\[\[?\s*([^\]]+?)\s*\]\]?$/.exec(line)?.[1];
    if (header !== undefined) {
      const name = header.replaceAll(/["'\s]/g, "");
      table = tables.get(name) ?? new Map<string, string>();
      tables.set(name, table);
      continue;
    }
    const [, key, value] = /^("[^"]+"|'[^']+'|[\w.-]+)\s*=\s*([^]*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) table.set(key.replaceAll(/["']/g, ""), value);
  }
  const project = tables.get("project");
  const poetry = tables.get("tool.poetry.dependencies");
  const groups = [...tables]
    .filter(([name]) => /^(project\.optional-dependencies|dependency-groups)$/.test(name))
    .flatMap(([, entries]) => [...entries.values()].flatMap(texts));
  const poetryGroups = [...tables]
    .filter(([name]) => /^tool\.poetry\.(group\.[^.]+\.dependencies|dev-dependencies)$/.test(name))
    .flatMap(([, entries]) => [...entries.keys()]);
  return {
    name: texts(project?.get("name") ?? tables.get("tool.poetry")?.get("name") ?? "")[0],
    requiresPython: texts(project?.get("requires-python") ?? poetry?.get("python") ?? "")[0],
    dependencies: [
      ...texts(project?.get("dependencies") ?? ""),
      ...[...(poetry?.keys() ?? [])].filter((name) => name !== "python"),
    ],
    development: [...groups, ...poetryGroups],
    tables: [...tables.keys()].filter((name) => name !== ""),
  };
}

/** Lines without comments; a list that goes over several lines is one of them. */
function statements(text: string): readonly string[] {
  const found: string[] = [];
  let open = "";
  for (const raw of text.split(/\r?\n/)) {
    const line = withoutComment(raw).trim();
    if (line === "") continue;
    open = open === "" ? line : `${open} ${line}`;
    if (/=\s*\[/.test(open) && brackets(open) > 0) continue;
    found.push(open);
    open = "";
  }
  if (open !== "") found.push(open);
  return found;
}

function withoutComment(line: string): string {
  const code = /^(?:"[^"]*"|'[^']*'|[^#"'])*/.exec(line);
  return code?.[0] ?? line;
}

function brackets(line: string): number {
  const bare = line.replaceAll(/"[^"]*"|'[^']*'/g, "");
  return (bare.match(/\[/g)?.length ?? 0) - (bare.match(/\]/g)?.length ?? 0);
}

function texts(value: string): readonly string[] {
  return [...value.matchAll(/"([^"]*)"|'([^']*)'/g)].map((match) => match[1] ?? match[2] ?? "");
}
