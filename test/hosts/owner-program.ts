import { spawn } from "node:child_process";
import { createConnector } from "../../src/hosts/connector.ts";
import type { HostAddress } from "../../src/hosts/types.ts";

// A deployer in a process of its own, for tests that stop or kill it: takes the lease and then writes without a pause.
const { address, folder, file, ttlMs, orphanPort } = JSON.parse(process.argv[2] ?? "{}") as {
  address: HostAddress;
  folder: string;
  file: string;
  ttlMs: number;
  orphanPort?: number;
};
const host = await createConnector().connect(address, { connectTimeoutMs: 10_000 });
const owner = {
  deployment: "d-owner",
  who: "owner-process",
  from: `pid ${process.pid}`,
  since: new Date().toISOString(),
  command: "deploy",
};
const answer = await host.lease({ folder, owner, ttlMs });
if (orphanPort !== undefined) {
  // As a Compose run would: a process that outlives this one and holds a connection through the tunnel, until that is cut.
  const path = await host.forwardTcp("127.0.0.1", orphanPort);
  const program = `require("node:net").connect(${JSON.stringify(path)}, () => console.log("connected")).on("close", () => process.exit())`;
  const orphan = spawn(process.execPath, ["-e", program], { detached: true, stdio: ["ignore", "pipe", "ignore"] });
  await new Promise((resolve) => orphan.stdout.once("data", resolve));
}
if (answer.kind === "granted") await host.files.append(file, ".", { sync: false });
process.stdout.write(`${answer.kind}\n`);
if (answer.kind === "granted") {
  void host.lost.then(({ reason }) => {
    process.stdout.write(`lost ${reason}\n`);
  });
  try {
    for (;;) await host.files.append(file, ".", { sync: false });
  } catch (error) {
    process.stdout.write(`stopped ${(error as { code?: string }).code ?? String(error)}\n`);
  }
}
await host.close();
