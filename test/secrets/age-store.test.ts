import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { makeKey } from "../../src/secrets/age/crypto.ts";
import { type AgePlace, openAgeFile, saveAgeFile, withSecret } from "../../src/secrets/age/store.ts";

it("of several who write an age file at once one wins, the others are told, and no value that was said to be set is lost", async (context) => {
  const place = await placeIn(context);
  const { recipient } = await makeKey();
  await saveAgeFile(place, { recipients: { ada: recipient }, secrets: {} }, null);
  const set: string[] = [];
  for (let round = 0; round < 5; round += 1) {
    const writers = [0, 1, 2, 3].map(async (writer) => {
      const opened = await openAgeFile(place);
      assert.ok(opened !== null);
      const name = `NAME_${round}_${writer}`;
      const document = await withSecret(opened.document, name, "value", "ada", new Date(0));
      await saveAgeFile(place, document, opened.text);
      set.push(name);
    });
    for (const ended of await Promise.allSettled(writers))
      if (ended.status === "rejected") assert.equal((ended.reason as { code?: string }).code, "secrets/age-file");
  }
  assert.ok(set.length >= 5);
  assert.deepEqual(Object.keys((await openAgeFile(place))?.document.secrets ?? {}), set.toSorted());
  assert.deepEqual(await readdir(join(place.file, "..")), ["a.age"]);
});

it("what a killed command left beside an age file keeps nobody from writing it for long", async (context) => {
  const place = await placeIn(context);
  const { recipient } = await makeKey();
  const document = { recipients: { ada: recipient }, secrets: {} };
  await writeFile(`${place.file}.lock`, "");
  await assert.rejects(saveAgeFile(place, document, null), {
    code: "secrets/age-file",
    remedy: "run the command again",
  });
  const before = new Date(Date.now() - 60_000);
  await utimes(`${place.file}.lock`, before, before);
  await saveAgeFile(place, document, null);
  assert.match(await readFile(place.file, "utf8"), /ada: age1/);
});

it("an age file that names nobody who could read it is refused, instead of encrypted for nobody", async (context) => {
  const place = await placeIn(context);
  await writeFile(place.file, "version: 1\nrecipients: {}\nsecrets: {}\n");
  await assert.rejects(openAgeFile(place), {
    code: "secrets/age-file",
    message: /recipients: names nobody who could read the values/,
  });
});

async function placeIn(context: TestContext): Promise<AgePlace> {
  const folder = await mkdtemp(join(tmpdir(), "shiplock-age-"));
  context.after(() => rm(folder, { recursive: true }));
  return { file: join(folder, "a.age"), written: "a.age" };
}
