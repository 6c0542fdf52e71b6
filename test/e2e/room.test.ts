import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { labAvailability } from "../lab/availability.ts";
import type { LabHost } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { type RunResult, waitFor } from "../lab/process.ts";
import { assertRefused, changesNothing } from "./support/assertions.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { appsOf } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

const availability = labAvailability();
const room = (value: unknown) => [{ path: ["environments", "staging", "room"], value }];
/** More than any machine of a lab has. */
const huge = "1000TB";

describe("room is checked before anything is touched", {
  skip: availability.available ? false : availability.reason,
}, () => {
  let lab: Lab;
  let host: LabHost;
  let app: Project;

  before(async () => {
    lab = await startE2eLab({ name: "room", hosts: 1 });
    host = lab.host("host-1");
    app = await createProject(lab, { hosts: { production: ["host-1"] } });
  });

  after(async () => {
    await app?.[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  });

  const refusedForRoom = (says: RegExp, remedy: RegExp) =>
    changesNothing(app, host, "v1", async () =>
      assertRefused(await app.run(["deploy", "staging", "--json"]), { exit: 3, code: "host/no-room", says, remedy }),
    );

  test("a port on which a plain process listens is refused with its number, and taken once it is free", async () => {
    const listener = await listenOn(host, 80);
    try {
      await changesNothing(app, host, null, async () =>
        assertRefused(await app.run(["deploy", "staging", "--json"]), {
          ...{ exit: 2, code: "host/port-taken" },
          says: /port 80 on host-1 is taken by a process that is no container, and the edge wants it/,
          remedy: /ss -ltnp/,
        }),
      );
    } finally {
      await listener.end();
    }
    await app.must(["deploy", "staging"]);
    assert.equal((await app.curl(host)).version, "v1");
  });

  test("too little memory for both releases is refused with the figures, and nothing changes", async () => {
    await app.commitVersion("v2");
    app.configure(room({ memory: huge }));
    await refusedForRoom(
      /host-1 has \d+ MB of memory free, and the new release beside the old one wants 1000000000 MB/,
      /onShortage: recreate/,
    );
  });

  test("too little disk is refused with the figures, whatever the shortage of memory may do", async () => {
    app.configure(room({ disk: huge, onShortage: "recreate" }));
    await refusedForRoom(
      /host-1 has \d+ MB free on the disk of its engine \(\/var\/lib\/docker\); the pull takes about [1-9]\d* [kM]B \([1-9]\d* [kM]B compressed\), and 1000000000 MB have to stay free/,
      /docker system df/,
    );
  });

  test("too little memory makes the deployment a recreate where the configuration allows it, and the plan says so", async () => {
    app.configure(room({ memory: huge, onShortage: "recreate" }));
    const old = (await appsOf(host, "switchboard-staging")).filter((container) => container.state === "running");
    const deployed = await app.must(["deploy", "staging"]);
    assert.match(
      deployed.stdout,
      /wants 1000000000 MB: instead of `rolling` this deployment is a `recreate`, as `room.onShortage` says/,
    );
    assert.match(deployed.stdout, /nothing answers between the stop of the old release/);
    assert.equal((await app.curl(host)).version, "v2");
    assert.equal(app.state(host)?.deployments[0]?.state, "succeeded");
    const now = await appsOf(host, "switchboard-staging");
    for (const { name, id } of old) assert.equal(now.find((each) => each.id === id)?.state, "exited", name);
    assert.equal((await app.run(["drift", "staging"])).code, 0);
  });

  test("going back to what the host kept needs no room on its disk", async () => {
    app.configure(room({ disk: huge }));
    await app.must(["rollback", "staging"]);
    assert.equal((await app.curl(host)).version, "v1");
  });
});

/** A process of the host, in no container, that listens on a port until `end`. */
async function listenOn(host: LabHost, port: number): Promise<{ end(): Promise<void> }> {
  const program =
    'my $s = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1) or die "$!\\n"; while (my $c = $s->accept) { exit 0 if (<$c> // "") eq "end\\n" }';
  let ended: RunResult | undefined;
  const running = host.exec(["perl", "-MIO::Socket::INET", "-e", program, String(port)]).then((result) => {
    ended = result;
  });
  await waitFor(
    `something to listen on port ${port}`,
    async () => {
      assert.equal(ended, undefined, ended?.stderr);
      return say(host, port, "");
    },
    { timeoutMs: 10_000, everyMs: 20 },
  );
  return {
    end: async () => {
      await say(host, port, "end\n");
      await running;
      assert.equal(ended?.code, 0, ended?.stderr);
    },
  };
}

/** Whether somebody took this. */
function say(host: LabHost, port: number, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: host.address, port, timeout: 5_000 }, () => void socket.end(text));
    socket.once("timeout", () => socket.destroy());
    socket.once("error", () => resolve(false));
    socket.once("close", (failed) => resolve(!failed));
  });
}
