import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { BuildEvent, BuildRequest } from "../../../src/release/build.ts";
import { buildArguments } from "../../../src/release/buildkit/arguments.ts";
import { isInstruction, readEvents } from "../../../src/release/buildkit/events.ts";
import { buildFailed, lineOfStep } from "../../../src/release/buildkit/failure.ts";
import { requireBuildx } from "../../../src/release/buildkit/version.ts";

const at = (seconds: number): string => `2026-11-21T15:59:${String(seconds).padStart(2, "0")}.910140187Z`;
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const run = { digest: "sha256:1", name: "[build 3/7] RUN npm ci" };
const log = (text: string | Buffer, stream = 1) => ({
  logs: [{ vertex: run.digest, stream, data: Buffer.from(text).toString("base64"), timestamp: at(3) }],
});

/** What is told of documents, each on one line (as buildx 0.14 and later write) or indented over many (as 0.13 does). */
function told(documents: readonly unknown[], indent = 0): BuildEvent[] {
  const events: BuildEvent[] = [];
  const reader = readEvents((event) => events.push(event));
  const lines = documents.flatMap((document) => JSON.stringify(document, null, indent).split("\n"));
  for (const line of lines) assert.equal(reader.line(line), true, line);
  reader.end();
  return events;
}

/** In the shape that buildx 0.13.1 wrote for an engine 20.10, values shortened. */
const story = [
  { vertexes: [{ digest: "sha256:0", name: "[internal] load metadata for docker.io/library/node:24-slim" }] },
  { vertexes: [{ digest: "sha256:0", name: "[internal] load metadata", started: at(1), completed: at(1) }] },
  {
    vertexes: [
      { digest: "sha256:2", name: "[build 2/7] COPY package.json ./", started: at(1), completed: at(1), cached: true },
    ],
  },
  { vertexes: [{ ...run, inputs: ["sha256:2"] }] },
  { vertexes: [{ ...run, started: at(1) }] },
  { statuses: [{ id: "transferring", vertex: "sha256:0", name: "transferring", current: 0, timestamp: at(1) }] },
  log("added 12"),
  log(" packages\nfound 0 vulner"),
  log("a warning\n", 2),
  { vertexes: [{ ...run, started: at(1), completed: at(4) }] },
];

describe("BuildKit's event stream", () => {
  const expected: BuildEvent[] = [
    { kind: "step-done", step: "[internal] load metadata", ms: 0 },
    { kind: "step-cached", step: "[build 2/7] COPY package.json ./" },
    { kind: "step-began", step: run.name },
    { kind: "log", step: run.name, line: "added 12 packages" },
    { kind: "log", step: run.name, line: "a warning" },
    { kind: "log", step: run.name, line: "found 0 vulner" },
    { kind: "step-done", step: run.name, ms: 3_000 },
  ];

  test("is told step by step and line by line, once each", () => assert.deepEqual(told(story), expected));

  test("is read the same from indented documents", () => assert.deepEqual(told(story, 2), expected));

  test("counts instructions, and those that the cache answered", () => {
    const reader = readEvents(() => undefined);
    for (const document of story) reader.line(JSON.stringify(document));
    assert.deepEqual(reader.counts(), { instructions: 2, cached: 1 });
  });

  test("lines come whole, whatever pieces they were sent in, also in the middle of a character", () => {
    const line = fc
      .string({ unit: "grapheme", maxLength: 12 })
      .map((text) => text.replaceAll(/[\r\n\u001b\u009b]/g, " "));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), fc.array(fc.nat(60)), (lines, cuts) => {
        const bytes = Buffer.from(`${lines.join("\n")}\n`);
        const ends = [...new Set([...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort((a, b) => a - b);
        const pieces = ends.map((end, index) => log(bytes.subarray(ends[index - 1] ?? 0, end)));
        const found = told([{ vertexes: [{ ...run, started: at(1) }] }, ...pieces]);
        assert.deepEqual(
          found.flatMap((event) => (event.kind === "log" ? [event.line] : [])),
          lines.map((text) => Buffer.from(text).toString()),
        );
      }),
    );
  });

  test("of a line that is written over again and again the last state is told, without colours", () => {
    const events = told([{ vertexes: [{ ...run, started: at(1) }] }, log("10%\r50%\r\u001b[32m100%\u001b[0m\r\n")]);
    assert.deepEqual(events.at(-1), { kind: "log", step: run.name, line: "100%" });
  });

  test("a warning is told with its detail", () => {
    const warning = { vertex: "sha256:0", level: 1, short: base64("FromAsCasing"), detail: [base64("line 1")] };
    assert.deepEqual(told([{ warnings: [warning] }]), [{ kind: "warning", text: "FromAsCasing; line 1" }]);
  });

  test("other lines of the client are not taken for events", () => {
    const reader = readEvents(() => assert.fail("told something"));
    for (const line of ["ERROR: failed to solve", "{ not json", '{"vertexes":"text"}', "", "123"])
      assert.equal(reader.line(line), false);
  });

  test("an instruction is told from the builder's own steps", () => {
    for (const step of ["[2/4] COPY . .", "[linux/amd64 build 3/7] RUN x"]) assert.equal(isInstruction(step), true);
    for (const step of [
      "[1/4] FROM node:24",
      "[internal] load .dockerignore",
      "exporting to image",
      "[auth] shop:pull",
    ])
      assert.equal(isInstruction(step), false);
  });
});

const request: BuildRequest = {
  ...{ name: "web", context: "/checkout/web", dockerfile: "Dockerfile", target: null, platform: "linux/arm64" },
  ...{ args: { URL: "https://example.com" }, secrets: { TOKEN: "hunter22" }, network: null },
  commit: { hash: "a".repeat(40), time: "2026-11-21T15:00:00Z", subject: "It", ref: "main" },
  ...{ reference: "registry.test/web:tag", purpose: "keep", noCache: false, cache: null, timeoutMs: 1_000 },
  signal: new AbortController().signal,
  tell: () => undefined,
};

describe("a build that failed", () => {
  const dockerfile =
    "FROM node:24 AS build\nENV A=b\nCOPY . .\n\nRUN npm ci\nFROM scratch\nWORKDIR /x\nCOPY --from=build \\\n  /a /b\n";

  test("names the image, the instruction with its line and exit code, and shows what it wrote last", () => {
    const failed = { ...run, name: "[build 3/3] RUN npm ci", started: at(1), completed: at(2) };
    const words = [
      'process "/bin/sh -c npm ci" did not complete successfully: exit code: 7',
      "executor failed running [/bin/sh -c npm ci]: exit code: 7",
    ];
    for (const error of words) {
      const events = readEvents(() => undefined);
      for (const document of [log("npm error no such package\n"), { vertexes: [{ ...failed, error }] }])
        events.line(JSON.stringify(document));
      const found = buildFailed(request, ["ERROR: failed to solve"], events.failed(), dockerfile);
      assert.equal(found.code, "build/failed");
      assert.equal(
        found.message,
        'the image "web" could not be built for linux/arm64: [build 3/3] RUN npm ci ended with exit code 7',
      );
      assert.deepEqual(found.where, { file: "Dockerfile", line: 5 });
      assert.deepEqual(found.details, ["npm error no such package"]);
    }
  });

  test("before its first step says what BuildKit says, without the layers around it", () => {
    const words =
      "ERROR: failed to solve: rpc error: code = Unknown desc = failed to solve with frontend dockerfile.v0: failed to create LLB definition: target stage nothere could not be found";
    const { message } = buildFailed(request, [words], null, dockerfile);
    assert.equal(
      message,
      'the image "web" could not be built for linux/arm64: target stage nothere could not be found',
    );
  });

  test("for want of a Dockerfile says where one was looked for, and not the builder's own paths", () => {
    const words =
      "ERROR: failed to solve: rpc error: code = Unknown desc = failed to solve with frontend dockerfile.v0: failed to read dockerfile: open /var/lib/docker/tmp/buildkit-mount1/Dockerfile: no such file or directory";
    const found = buildFailed(request, [words], null, null);
    assert.equal(found.code, "build/no-dockerfile");
    assert.equal(found.blame, "usage");
    assert.equal(found.message, 'the image "web" cannot be built: there is no Dockerfile in its build context');
    assert.deepEqual([found.where, found.details], ["images.web", []]);
  });

  test("because of what is missing on the machine says what to install or start", () => {
    const code = (line: string) => buildFailed(request, [line], null, null).code;
    assert.equal(code("docker: unknown command: docker buildx"), "build/buildx-missing");
    assert.equal(code("ERROR: invalid progress mode rawjson"), "build/buildx-old");
    assert.equal(code("ERROR: Cannot connect to the Docker daemon at unix:///x"), "build/no-engine");
  });

  test("a buildx that is too old for the event stream is told from one that is not", () => {
    for (const said of [
      "github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3",
      "github.com/docker/buildx v0.21.2 1360a9e",
      "v1.0.0",
      "?",
    ])
      assert.equal(requireBuildx(said), said);
    const old = "github.com/docker/buildx v0.12.1 30feaa1";
    assert.throws(() => requireBuildx(old), { code: "build/buildx-old" });
  });

  test("the line of an instruction is counted as BuildKit counts: stages by name or number, steps without ENV and the like", () => {
    assert.equal(lineOfStep(dockerfile, "[build 2/3] COPY . ."), 3);
    assert.equal(lineOfStep(dockerfile, "[stage-1 3/3] COPY --from=build /a /b"), 8);
    assert.equal(lineOfStep(dockerfile, "[linux/arm64 stage-1 2/3] WORKDIR /x"), 7);
    assert.equal(lineOfStep("FROM a\nRUN b\n", "[2/2] RUN b"), 2);
    assert.equal(lineOfStep(dockerfile, "exporting to image"), null);
  });
});

describe("the arguments of a build", () => {
  const of = (change: Partial<BuildRequest>, cache: "inline" | "registry" = "registry") =>
    buildArguments({ ...request, ...change }, cache).join(" ");

  test("name a secret and never hold its value", () => {
    const args = of({});
    assert.match(args, /--secret id=TOKEN,env=TOKEN/);
    assert.doesNotMatch(args, /hunter22/);
    assert.match(args, /--build-arg URL=https:\/\/example\.com .*\/checkout\/web$/);
  });

  test("keep nothing of an image that is only verified", () => {
    assert.match(of({}), /--load --tag registry\.test\/web:tag/);
    const verify = of({ purpose: "verify" });
    assert.match(verify, /--output type=cacheonly/);
    assert.doesNotMatch(verify, /--load|--tag|--push/);
  });

  test("read a layer cache in a registry, and write it the way the engine can; with --no-cache it is written alone", () => {
    const cache = { reference: "registry.test/web:cache", write: true };
    const from = "--cache-from type=registry,ref=registry.test/web:cache";
    assert.match(of({ cache }), new RegExp(`${from} --cache-to type=registry,ref=registry.test/web:cache,mode=max`));
    assert.match(of({ cache }, "inline"), new RegExp(`${from} --cache-to type=inline`));
    assert.doesNotMatch(of({ cache: { ...cache, write: false } }), /--cache-to/);
    assert.doesNotMatch(of({ cache, noCache: true }), /--cache-from/);
    assert.doesNotMatch(of({}), /--cache/);
  });
});
