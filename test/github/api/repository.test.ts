import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { apiOfServer, repositoryOfRemote } from "../../../src/github/api/repository.ts";

describe("the repository that a remote names", () => {
  test("is found in every way of writing it", () => {
    const written = [
      "git@github.com:acme/shop.git",
      "git@github.com:acme/shop",
      "github.com:acme/shop.git",
      "ssh://git@github.com/acme/shop.git",
      "ssh://git@GitHub.com:22/acme/shop",
      "https://github.com/acme/shop",
      "https://github.com/acme/shop.git/",
      "https://x-access-token:t0ken@github.com/acme/shop.git",
      "git://github.com/acme/shop.git",
    ];
    for (const remote of written) {
      assert.deepEqual(
        repositoryOfRemote(remote),
        { host: "github.com", repository: { owner: "acme", name: "shop" } },
        remote,
      );
    }
    assert.deepEqual(repositoryOfRemote("git@git.acme.example:team/shop.web.git"), {
      host: "git.acme.example",
      repository: { owner: "team", name: "shop.web" },
    });
  });

  test("is none for a folder, a bundle or what only looks like one", () => {
    const written = [
      "",
      "../shop.git",
      "/srv/git/acme/shop.git",
      "file:///srv/acme/shop.git",
      "https://github.com/acme",
      "git@host:shop.git",
    ];
    for (const remote of [...written, "https://github.com/a$b/shop", "git@github.com:acme/shop/more.git"])
      assert.equal(repositoryOfRemote(remote), null, remote);
  });

  test("has its API where its server says", () => {
    assert.equal(apiOfServer("github.com"), "https://api.github.com");
    assert.equal(apiOfServer("ssh.github.com"), "https://api.github.com");
    assert.equal(apiOfServer("git.acme.example"), "https://git.acme.example/api/v3");
  });
});
