import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { basesOf } from "../../../src/release/inputs/bases.ts";
import { readDockerfile } from "../../../src/release/inputs/dockerfile.ts";
import { resolveBases } from "../../../src/release/inputs/resolve-bases.ts";
import type { Image } from "../../../src/hosts/engine.ts";

const amd64 = "linux/amd64";
const arm64 = "linux/arm64";

function bases(lines: readonly string[], args: Record<string, string> = {}, platforms: readonly string[] = [amd64]) {
  const found = basesOf(readDockerfile(lines.join("\n")), { args, platforms, builder: amd64 });
  return found.known ? found.images.map(({ reference, platform }) => `${reference} ${platform}`) : found.why;
}

describe("the base images of a Dockerfile", () => {
  const cases: readonly [what: string, lines: readonly string[], expected: readonly string[] | string][] = [
    [
      "are those of its stages, and a stage is none",
      ["FROM node:24 AS build", "FROM scratch", "COPY --from=build /a /b", "COPY --from=0 /c /d"],
      ["node:24 linux/amd64"],
    ],
    ["count once, in any writing of the keyword", ["from a:1", "From a:1 as x", "FROM X"], ["a:1 linux/amd64"]],
    [
      "may be copied or mounted from",
      ["FROM scratch", "COPY --chown=1:1 --from=tools:2 /a /b", "RUN --mount=type=bind,from=more:3,target=/x true"],
      ["more:3 linux/amd64", "tools:2 linux/amd64"],
    ],
    [
      "take arguments that stand before the first stage, and no others",
      ["ARG NODE=24 FLAVOUR", "FROM node:${NODE}-${FLAVOUR:-slim} AS a", "ARG LATER=1", "FROM x${LATER:+y}"],
      ["node:24-slim linux/amd64", "x linux/amd64"],
    ],
    [
      "go on over lines and comments",
      ["FROM \\", "# why", "", "  node:24 \\", "  AS a", "FROM a"],
      ["node:24 linux/amd64"],
    ],
    ["may be continued by another character", ["# escape=`", "FROM `", "node:24"], ["node:24 linux/amd64"]],
    [
      "are not looked for in here-documents",
      [
        "FROM a:1",
        "RUN <<EOF",
        "FROM b:2",
        "EOF",
        "COPY <<-'ONE' <<TWO /x/",
        "FROM c:3",
        "\tONE",
        "FROM d:4",
        "TWO",
        "FROM e:5",
      ],
      ["a:1 linux/amd64", "e:5 linux/amd64"],
    ],
    [
      "include the image that reads the Dockerfile",
      ["# syntax=docker/dockerfile:1", "FROM a:1"],
      ["a:1 linux/amd64", "docker/dockerfile:1 linux/amd64"],
    ],
    [
      "are unknown with something from the network",
      ["FROM a:1", "ADD https://example.com/x /x"],
      "line 2 of the Dockerfile adds something from the network",
    ],
    [
      "are unknown with a repository",
      ["FROM a:1", "ADD git@example.com:x.git /x"],
      "line 2 of the Dockerfile adds something from the network",
    ],
    [
      "are known when the network's part has a checksum",
      ["FROM a:1", "ADD --checksum=sha256:1 https://example.com/x /x"],
      ["a:1 linux/amd64"],
    ],
    ["are known with an ADD of files", ["FROM a:1", "ADD files.tar.gz /x"], ["a:1 linux/amd64"]],
    [
      "are unknown where the build alone can fill in",
      ["ARG A=b", "FROM ${A%x}"],
      "line 2 of the Dockerfile is filled in by the build alone",
    ],
  ];
  for (const [what, lines, expected] of cases) test(what, () => assert.deepEqual(bases(lines), expected));

  test("an argument of the build beats the standard value, and an empty one counts as none only with a colon", () => {
    const lines = ["ARG A=1", "FROM a:${A} AS one", "FROM b:${A:-9} AS two", "FROM c:${A-9}x"];
    assert.deepEqual(bases(lines, { A: "2" }), ["a:2 linux/amd64", "b:2 linux/amd64", "c:2x linux/amd64"]);
    assert.deepEqual(bases(lines, { A: "" }), ["a: linux/amd64", "b:9 linux/amd64", "c:x linux/amd64"]);
  });

  test("build stages on the builder's own platform need their base for that one alone", () => {
    const lines = ["FROM --platform=$BUILDPLATFORM node:24 AS build", "FROM caddy:2-$TARGETARCH"];
    assert.deepEqual(bases(lines, {}, [amd64, arm64]), [
      "caddy:2-amd64 linux/amd64",
      "caddy:2-arm64 linux/arm64",
      "node:24 linux/amd64",
    ]);
  });
});

describe("which image a base image is now", () => {
  const id = (letter: string): string => `sha256:${letter.repeat(64)}`;
  const local: Record<string, string> = { "node:24": id("a"), "only:here": id("b") };
  const sources = (containerdImageStore: boolean) => ({
    engine: {
      info: async () => ({ containerdImageStore }) as never,
      inspectImage: async (reference: string) => {
        const found = local[reference];
        return found === undefined ? null : ({ id: found, os: "linux", architecture: "amd64" } as Image);
      },
    },
    registry: {
      resolve: async ({ repository }: { repository: string }) => {
        if (repository !== "library/node") throw new Error("offline");
        const platform = (config: string) => ({ manifest: id("0"), config, size: 1, mediaType: "x" });
        return { platforms: { [amd64]: platform(id("c")), [arm64]: platform(id("d")) } };
      },
    },
  });
  const resolve = (containerd: boolean, images: readonly [string, string][]) =>
    resolveBases(
      images.map(([reference, platform]) => ({ reference, platform })),
      sources(containerd),
      AbortSignal.timeout(5_000),
    );

  test("is the one that the builder has, if it is for the platform; the registry's otherwise", async () =>
    assert.deepEqual(
      await resolve(false, [
        ["node:24", amd64],
        ["node:24", arm64],
      ]),
      { [`node:24 ${amd64}`]: id("a"), [`node:24 ${arm64}`]: id("d") },
    ));

  test("is the registry's with the containerd image store, and the builder's where the registry does not answer", async () =>
    assert.deepEqual(
      await resolve(true, [
        ["node:24", amd64],
        ["only:here", amd64],
      ]),
      { [`node:24 ${amd64}`]: id("c"), [`only:here ${amd64}`]: id("b") },
    ));

  test("is its digest where it is named by one", async () => {
    const pinned = `far/away:1@${id("e")}`;
    assert.deepEqual(await resolve(false, [[pinned, amd64]]), { [`${pinned} ${amd64}`]: id("e") });
  });

  test("is unknown when nobody has it, so that the image is built", async () =>
    assert.equal(
      await resolve(false, [
        ["node:24", amd64],
        ["far/away:1", amd64],
      ]),
      null,
    ));
});
