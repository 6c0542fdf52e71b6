/**
 * A process of its own that writes events to a ledger: `node writer-process.ts <file> <deployment> <count>`, with count 0 for without
 * end. Prints the sequence number of each event after the ledger has returned.
 */
import { openLedger } from "../../src/ledger/open.ts";
import { deployment, states } from "./samples.ts";

const [path = "", id = "", count = "0"] = process.argv.slice(2);
const ledger = await openLedger({ path, states });
await ledger.openDeployment(deployment(id));
for (let sequence = 1; count === "0" || sequence <= Number(count); sequence += 1) {
  await ledger.appendEvents(id, [
    { sequence, at: sequence, kind: "step", payload: { filler: "x".repeat(500) } },
    { sequence: sequence + 1_000_000, at: sequence, kind: "pair", payload: { of: sequence } },
  ]);
  await ledger.appendLog(id, { at: sequence, source: "step", text: `${sequence}\n` });
  process.stdout.write(`${sequence}\n`);
}
await ledger.close();
