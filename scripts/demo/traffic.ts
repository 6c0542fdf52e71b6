import {
  answeredBy,
  formatReport,
  type LoadReport,
  type LoadRun,
  lossesOf,
  startLoad,
} from "../../test/load/client.ts";
import type { LabHost } from "../../test/lab/host.ts";
import { DemoFailed } from "./failure.ts";
import type { Paper } from "./paper.ts";

/** Visitors of the shop, from the first promotion to the end. */
export type Traffic = AsyncDisposable & {
  /** Does `work` while visitors may meet these versions; afterwards the last of them alone may answer, and has to. */
  during(label: string, versions: readonly string[], work: () => Promise<unknown>): Promise<void>;
  /** Ends the visits and counts. */
  stop(): Promise<LoadReport>;
};

/** Every page is rendered for its visitor, so on two cores that also build images this is a busy shop. */
const ratePerSecond = 20;
/** The demo is about what is lost, not about how fast a machine is that does all this at once. */
const timeoutMs = 30_000;
const newVersionWithinMs = 60_000;

/** Starts the visits: pages and API through the edge of every host, pages on the published port too. */
export function startTraffic(
  hosts: readonly LabHost[],
  site: { hostName: string; publishedPort: number },
  version: string,
  paper: Paper,
): Traffic {
  const targets = hosts.flatMap(({ name, address }) => [
    { name: `${name}: pages`, url: `http://${address}/`, host: site.hostName, plainPath: "/" },
    { name: `${name}: API`, url: `http://${address}/`, host: site.hostName, plainPath: "/api/products" },
    { name: `${name}: port ${site.publishedPort}`, url: `http://${address}:${site.publishedPort}/`, plainPath: "/" },
  ]);
  const load: LoadRun = startLoad({ targets, ratePerSecond, timeoutMs, connections: 8, allowed: [version] });

  return {
    during: async (label, versions, work) => {
      const latest = versions.at(-1);
      if (latest === undefined) throw new Error("no version may answer");
      await load.setAllowed(versions);
      load.mark(label);
      const before = await load.snapshot();
      await work();
      await load.setAllowed([latest]);
      const after = await load.waitFor(answeredBy(latest, ratePerSecond), newVersionWithinMs);
      const lost = after.lost - before.lost;
      paper.output("");
      paper.verdict(
        lost === 0,
        `${after.ok - before.ok} requests were answered during this, ${lost} lost; ${latest} answers now`,
      );
      if (lost > 0) throw new DemoFailed(`${lost} requests were lost:\n${formatReport(await load.stop())}`);
    },
    stop: () => load.stop(),
    [Symbol.asyncDispose]: () => load[Symbol.asyncDispose](),
  };
}

/** Says how the visitors fared, and fails the demo when one did not get an answer. */
export function judgeTraffic(report: LoadReport, paper: Paper): void {
  const versions = report.versions.map(({ version, count }) => `${version} ${count} times`).join(", ");
  const seconds = Math.round(report.durationMs / 1000);
  paper.verdict(report.lost === 0, `${report.sent} requests in ${seconds} s, ${report.lost} lost (${versions})`);
  if (lossesOf(report).length > 0) throw new DemoFailed(`requests were lost:\n${formatReport(report)}`);
}
