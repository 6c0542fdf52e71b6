import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { ignoreRules, readContext } from "../../../src/release/inputs/context.ts";
import { hideSecret, type ImageInputs, inputsHash } from "../../../src/release/inputs/hash.ts";

const inputs: ImageInputs = {
  context: [
    { path: "a", kind: "file", mode: 0o644, content: "1" },
    { path: "b", kind: "folder", mode: 0o755, content: "" },
  ],
  dockerfile: "FROM scratch",
  target: null,
  platforms: ["linux/amd64", "linux/arm64"],
  args: { A: "1", B: "2" },
  secrets: { TOKEN: "x" },
  network: null,
  bases: { "node:24 linux/amd64": "sha256:1" },
};

describe("the hash of what goes into an image", () => {
  const changes: Record<string, Partial<ImageInputs>> = {
    "a file's content": {
      context: [{ path: "a", kind: "file", mode: 0o644, content: "2" }, ...inputs.context.slice(1)],
    },
    "a file's name": { context: [{ path: "c", kind: "file", mode: 0o644, content: "1" }, ...inputs.context.slice(1)] },
    "a file's mode": { context: [{ path: "a", kind: "file", mode: 0o755, content: "1" }, ...inputs.context.slice(1)] },
    "a link in place of a file": {
      context: [{ path: "a", kind: "link", mode: 0o644, content: "1" }, ...inputs.context.slice(1)],
    },
    "a file more": { context: [...inputs.context, { path: "b/c", kind: "file", mode: 0o644, content: "" }] },
    "the Dockerfile": { dockerfile: "FROM scratch\n" },
    "the target": { target: "build" },
    "the platforms": { platforms: ["linux/amd64"] },
    "an argument's value": { args: { A: "1", B: "3" } },
    "an argument's name": { args: { A: "1", C: "2" } },
    "two arguments exchanged": { args: { A: "2", B: "1" } },
    "a secret's value": { secrets: { TOKEN: "y" } },
    "a secret's name": { secrets: { OTHER: "x" } },
    "the network": { network: "host" },
    "a base image": { bases: { "node:24 linux/amd64": "sha256:2" } },
  };
  for (const [what, change] of Object.entries(changes))
    test(`differs by ${what} alone`, () => assert.notEqual(inputsHash({ ...inputs, ...change }), inputsHash(inputs)));

  test("does not depend on the order in which they are found", () => {
    const shuffled = <T>(values: readonly T[]) => fc.shuffledSubarray([...values], { minLength: values.length });
    fc.assert(
      fc.property(shuffled(inputs.context), shuffled(inputs.platforms), (context, platforms) => {
        const args = { B: "2", A: "1" };
        assert.equal(inputsHash({ ...inputs, context, platforms, args }), inputsHash(inputs));
      }),
    );
  });

  test("no text can be moved from one part to another without changing it", () => {
    const text = fc.string({ maxLength: 4 });
    const one = fc.record({
      dockerfile: text,
      target: fc.option(text),
      args: fc.dictionary(text, text, { maxKeys: 2 }),
    });
    fc.assert(
      fc.property(one, one, (left, right) => {
        const same = JSON.stringify(canonical(left)) === JSON.stringify(canonical(right));
        assert.equal(inputsHash({ ...inputs, ...left }) === inputsHash({ ...inputs, ...right }), same);
      }),
    );
  });

  test("a secret's value is not in what stands for it, and the same value is another elsewhere", async () => {
    const [one, again, other] = await Promise.all(
      ["shop TOKEN", "shop TOKEN", "blog TOKEN"].map((about) => hideSecret("hunter22", about)),
    );
    assert.equal(one, again);
    assert.notEqual(one, other);
    assert.doesNotMatch(one ?? "", /hunter22/);
  });
});

function canonical({ dockerfile, target, args }: Pick<ImageInputs, "dockerfile" | "target" | "args">) {
  return [dockerfile, target, Object.entries(args).sort(([left], [right]) => (left < right ? -1 : 1))];
}

describe("a build context", () => {
  let folder: string;
  const write = async (path: string, text = path): Promise<void> => {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  const read = async (dockerfile = "Dockerfile") => {
    const rules = await ignoreRules(folder, dockerfile);
    assert.ok(rules !== null);
    return readContext(folder, rules);
  };
  const paths = async (dockerfile?: string) => (await read(dockerfile)).map(({ path }) => path).sort();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "context-"));
    for (const path of ["Dockerfile", "src/a.js", "docs/x.md", "docs/keep/y.md", "docs/deep/er/z.md", "dist/out.js"])
      await write(path);
    await symlink("src/a.js", join(folder, "link"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test("is every file, folder and link below it, but what .dockerignore leaves out; folders come along for what is taken in again", async () => {
    await write(".dockerignore", "dist\ndocs\n!docs/keep\n");
    const kept = [".dockerignore", "Dockerfile", "docs", "docs/keep", "docs/keep/y.md", "link", "src", "src/a.js"];
    assert.deepEqual(await paths(), kept);
  });

  test("is judged by the Dockerfile's own ignore file where there is one", async () => {
    await write("other.dockerignore", "*\n!src\n");
    assert.deepEqual(await paths("other"), ["src", "src/a.js"]);
    await rm(join(folder, "other.dockerignore"));
  });

  test("changes by content and mode, and not by time", async () => {
    const before = JSON.stringify(await read());
    await utimes(join(folder, "src/a.js"), new Date(0), new Date(0));
    assert.equal(JSON.stringify(await read()), before);
    await chmod(join(folder, "src/a.js"), 0o755);
    const executable = JSON.stringify(await read());
    assert.notEqual(executable, before);
    await write("src/a.js", "changed");
    assert.notEqual(JSON.stringify(await read()), executable);
  });
});
