import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { imagePlaces } from "../../src/cli/image-places.ts";
import type { Environment } from "../../src/config/types.ts";
import { ShiplockError } from "../../src/errors.ts";
import { createFakeWorld, fakeImage, type FakeHost } from "../../src/hosts/fake.ts";
import { findImage } from "../../src/hosts/image-places.ts";
import type { HostAddress } from "../../src/hosts/types.ts";
import { changed, load } from "../config/example.ts";

const signal = new AbortController().signal;
const id = `sha256:${"a".repeat(64)}`;
const digests = { config: id, manifest: id };

const production = `
  production:
    target:
      compose:
        hosts: [deploy@10.0.0.6, deploy@10.0.0.7, deploy@10.0.0.5]
        home: 10.0.0.7
`;

/** An engine for this machine, and a fake host for every address. */
function machines() {
  const world = createFakeWorld({ now: () => 0 });
  const opened: FakeHost[] = [];
  const addressesOf = ({ target }: Environment): HostAddress[] =>
    target.hosts.map(({ name }) => ({ kind: "ssh", name, destination: name }));
  const config = load(changed(["    strategy: rolling\n", `    strategy: rolling${production}`]));
  const places = (environment: string | null, buildEngine = () => assert.fail("no engine here")) =>
    imagePlaces({
      ...{ config, addressesOf, buildEngine },
      environment: environment === null ? null : (config.environments[environment] ?? null),
      connector: {
        connect: async (address, options) => {
          const host = await world.connector.connect(address, options);
          opened.push(host);
          return host;
        },
      },
    });
  return { world, opened, places };
}

describe("the machines that may have an image", () => {
  it("are this one and every host of the file once, each environment's home first", () => {
    const { places } = machines();
    const names = (environment: string | null) => places(environment).places.map(({ name }) => name);
    assert.deepEqual(names(null), ["this machine", "10.0.0.5", "10.0.0.7", "10.0.0.6"]);
    assert.deepEqual(names("staging"), ["this machine", "10.0.0.7", "10.0.0.6"]);
    assert.deepEqual(names("production"), ["this machine"]);
  });

  it("are connected to when nobody before them has it, once, passing over one that is down, and left in the end", async () => {
    const { world, opened, places } = machines();
    world.machine("10.0.0.5").down();
    world.machine("10.0.0.7").addImage(fakeImage("app:1", { id }));
    const known = places(null, () => {
      throw new ShiplockError({ code: "build/no-engine", message: "no Docker Engine answers here" });
    });
    assert.equal(opened.length, 0);
    const found = [await findImage(digests, known.places, signal), await findImage(digests, known.places, signal)];
    assert.deepEqual(
      found.map((image) => image?.place),
      ["10.0.0.7", "10.0.0.7"],
    );
    assert.deepEqual(
      opened.map(({ name }) => name),
      ["10.0.0.7"],
    );
    await known.close();
    assert.equal((await opened[0]?.lost)?.reason, "closed");
  });

  it("are all left in the end, also when one of them cannot be left in order", async () => {
    const { opened, places } = machines();
    const known = places(null, () => {
      throw new ShiplockError({ code: "build/no-engine", message: "no Docker Engine answers here" });
    });
    assert.equal(await findImage(digests, known.places, signal), null);
    const [first, ...others] = opened;
    assert.ok(first !== undefined && others.length === 2);
    first.close = () => Promise.reject(new ShiplockError({ code: "host/not-closed", message: "it hangs" }));
    await assert.rejects(known.close(), { code: "host/not-closed" });
    for (const { lost } of others) assert.equal((await Promise.race([lost, Promise.resolve(null)]))?.reason, "closed");
  });
});
