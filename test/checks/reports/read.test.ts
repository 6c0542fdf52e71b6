import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { readReports } from "../../../src/checks/reports/read.ts";
import { reportsIn } from "../../../src/checks/reports/report-folder.ts";
import { reportBytesAtMost } from "../../../src/checks/reports/unreadable.ts";
import { check } from "../samples.ts";

describe("the reports of a check", () => {
  let folder = "";
  const place = (name: string): string => join(folder, name);
  const take = (name: string, as: string): Promise<void> =>
    copyFile(fileURLToPath(new URL(name, import.meta.url)), place(as));
  const read = (changes: Parameters<typeof check>[1]) =>
    readReports(check("test", changes), true, reportsIn(folder), (text) => text, "/src");

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "shiplock-reports-"));
    await mkdir(place("reports/deep"), { recursive: true });
    await take("pytest.xml", "reports/TEST-a.xml");
    await take("surefire.xml", "reports/TEST-b.xml");
    await take("node.xml", "reports/deep/TEST-c.xml");
    await take("coverage.xml", "cov");
    await take("lcov.info", "lcov");
    await take("eslint.json", "lint");
    await take("findings.sarif.json", "sarif");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("are read by what they look like where no format is given", async () => {
    const one = await read({
      coverage: { file: "cov", format: undefined, atLeast: undefined },
      warnings: { file: "lint", format: undefined, atMost: 0 },
    });
    assert.deepEqual([one.coverage?.kind, one.warnings?.kind], ["read", "read"]);
    assert.ok(one.coverage?.kind === "read" && one.coverage.summary.percent === 60);
    assert.ok(one.warnings?.kind === "read" && one.warnings.summary.files[0]?.file === "web/app/page.tsx");
    const two = await read({
      coverage: { file: "lcov", format: undefined, atLeast: undefined },
      warnings: { file: "sarif", format: undefined, atMost: 0 },
    });
    assert.deepEqual([two.coverage?.kind, two.warnings?.kind], ["read", "read"]);
    const wrong = await read({ coverage: { file: "lcov", format: "cobertura", atLeast: undefined } });
    assert.equal(wrong.coverage?.kind, "unreadable");
  });

  it("may be named by a pattern, and each file counts once", async () => {
    const { tests } = await read({ junit: ["reports/*.xml", "reports/TEST-a.xml", "none/*.xml", "missing.xml"] });
    assert.deepEqual(
      tests.map(({ file, kind }) => [file, kind]),
      [
        ["reports/TEST-a.xml", "read"],
        ["reports/TEST-b.xml", "read"],
        ["none/*.xml", "missing"],
        ["missing.xml", "missing"],
      ],
    );
  });

  it("that lead out of the folder, are no files or have no end are not read", async () => {
    await symlink("/etc/passwd", place("outside.xml"));
    await symlink("reports/TEST-a.xml", place("inside.xml"));
    await symlink("nowhere", place("dangling.xml"));
    execFileSync("mkfifo", [place("pipe.xml")]);
    await writeFile(place("huge.xml"), "");
    await truncate(place("huge.xml"), reportBytesAtMost + 1);
    const junit = ["outside.xml", "inside.xml", "dangling.xml", "pipe.xml", "huge.xml", "reports", "lint/x.xml"];
    const { tests } = await read({ junit });
    assert.deepEqual(
      tests.map((one) => [one.file, one.kind, one.kind === "unreadable" ? one.why : ""]),
      [
        [
          "outside.xml",
          "unreadable",
          "the report cannot be read: it is a link to something outside the check's folder",
        ],
        ["inside.xml", "read", ""],
        ["dangling.xml", "missing", ""],
        ["pipe.xml", "unreadable", "the report cannot be read: it is no file"],
        ["huge.xml", "unreadable", "the report cannot be read: it has 67108865 bytes, and 67108864 are the most"],
        ["reports", "unreadable", "the report cannot be read: it is no file"],
        ["lint/x.xml", "missing", ""],
      ],
    );
  });
});
