import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFakeWorld } from "../../../src/hosts/fake.ts";
import { makeFolders } from "../../../src/hosts/fake-files.ts";
import { listeningIn, listeningPorts, refuseTakenPort } from "../../../src/targets/compose/ports.ts";

const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const row = (address: string, state: string): string =>
  `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 21 1 0 100 0 0 10 0\n`;

describe("ports", () => {
  it("that a process listens on are read from the kernel's table, and connections are none", () => {
    assert.deepEqual(
      listeningIn(`${head}${row("0100007F:0050", "0A")}${row("0100007F:C350", "01")}${row("00000000:1F90", "0A")}`),
      [80, 8080],
    );
    assert.deepEqual(listeningIn(""), []);
  });

  it("that are taken are refused with who has them and who wants them, over IPv6 too", async () => {
    const world = createFakeWorld({ now: () => 0 });
    makeFolders(world.machine("one").disk, "/proc/net");
    const host = { name: "one", host: await world.connector.connect({ kind: "ssh", name: "one", destination: "one" }) };
    await host.host.files.write("/proc/net/tcp6", `${head}${row(`${"0".repeat(32)}:0050`, "0A")}`);
    const taken = await listeningPorts(host);
    await refuseTakenPort(host, "the edge", [443], taken);
    await assert.rejects(refuseTakenPort(host, "the edge", [80, 443], taken), {
      code: "host/port-taken",
      message: "port 80 on one is taken by a process that is no container, and the edge wants it",
      remedy: "stop what listens there (`ss -ltnp` shows it), or choose another port",
    });
  });
});
