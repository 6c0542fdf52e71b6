import { createConnector } from "../../src/hosts/connector.ts";
import type { HostAddress } from "../../src/hosts/types.ts";

// A deployer in a process of its own, for tests that stop or kill it: takes the lease and then writes without a pause.
const { address, folder, file, ttlMs } = JSON.parse(process.argv[2] ?? "{}") as {
  address: HostAddress;
  folder: string;
  file: string;
  ttlMs: number;
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
process.stdout.write(`${answer.kind}\n`);
if (answer.kind === "granted") {
  host.lost.then(({ reason }) => {
    process.stdout.write(`lost ${reason}\n`);
  });
  try {
    for (;;) await host.files.append(file, ".", { sync: false });
  } catch (error) {
    process.stdout.write(`stopped ${(error as { code?: string }).code ?? String(error)}\n`);
  }
}
await host.close();
