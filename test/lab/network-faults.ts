import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { initOf } from "./box.ts";
import { gatewayOf, proxyAddressOf } from "./network.ts";
import { endProcess, must, run, startDaemon, tail, waitFor } from "./process.ts";
import type { BoxRecord, FirewallRule, LabPaths, LabRecord } from "./record.ts";

/** How a delay is made; see `delayNetwork`. */
export type DelayKind = "netem" | "proxy" | "none";

const CHAIN = "LAB-CUT";

/** The hooks nearest to the wire, in and out; Docker uses neither table. */
const HOOKS = [
  { table: "raw", hook: "PREROUTING", direction: ["-i", "eth0"] },
  { table: "mangle", hook: "POSTROUTING", direction: ["-o", "eth0"] },
] as const;

function iptablesIn(box: BoxRecord, table: string): string[] {
  return ["nsenter", "--target", String(initOf(box).pid), "--net", "--", "iptables", "-w", "10", "-t", table];
}

/** Drops the box's packets, all or those of the SSH connections open now, without a word to either end. */
export async function cutConnections(box: BoxRecord, which: "all" | "existing"): Promise<void> {
  const peers = which === "existing" ? sshPeersOf(box) : [];
  for (const { table, hook, direction } of HOOKS) {
    const iptables = iptablesIn(box, table);
    if ((await run([...iptables, "-S", CHAIN])).code !== 0) await must([...iptables, "-N", CHAIN]);
    if ((await run([...iptables, "-C", hook, ...direction, "-j", CHAIN])).code !== 0) {
      await must([...iptables, "-I", hook, ...direction, "-j", CHAIN]);
    }
    const incoming = hook === "PREROUTING";
    const matches = peers.map(({ address, port }) =>
      incoming
        ? ["-p", "tcp", "-s", address, "--sport", String(port), "--dport", "22"]
        : ["-p", "tcp", "-d", address, "--dport", String(port), "--sport", "22"],
    );
    for (const match of which === "all" ? [[]] : matches)
      await must([...iptables, "-A", CHAIN, ...match, "-j", "DROP"]);
  }
}

/** Undoes every cut of this box. */
export async function healBox(box: BoxRecord): Promise<void> {
  for (const { table } of HOOKS) {
    const iptables = iptablesIn(box, table);
    if ((await run([...iptables, "-S", CHAIN])).code === 0) await must([...iptables, "-F", CHAIN]);
  }
}

/** The other ends of the established connections to the box's port 22. */
function sshPeersOf(box: BoxRecord): { address: string; port: number }[] {
  const lines = readFileSync(`/proc/${initOf(box).pid}/net/tcp`, "utf8")
    .trim()
    .split("\n")
    .slice(1);
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => state === "01" && local.endsWith(":0016"))
    .map(([, , remote = ""]) => {
      const [hexAddress = "", hexPort = ""] = remote.split(":");
      const bytes = hexAddress.match(/../g) ?? [];
      return {
        address: bytes
          .reverse()
          .map((byte) => Number.parseInt(byte, 16))
          .join("."),
        port: Number.parseInt(hexPort, 16),
      };
    });
}

/** Sets the added round trip of a box to so many milliseconds; returns how it is made ("none" for 0). */
export async function delayBox(
  paths: LabPaths,
  record: LabRecord,
  box: BoxRecord,
  milliseconds: number,
  proxyProgram: string,
  save: () => void,
): Promise<DelayKind> {
  await undelay(record, box, save);
  if (milliseconds <= 0) return "none";
  if (await delayPackets(box, milliseconds)) return "netem";
  const portFile = join(paths.box(box.name), "delay-port");
  rmSync(portFile, { force: true });
  const logFile = paths.log(`${box.name}-delay`);
  const [listen, from] = [gatewayOf(record.subnet), proxyAddressOf(record.subnet)];
  const process_ = await startDaemon(
    [process.execPath, proxyProgram, listen, from, box.address, "22", String(milliseconds), portFile],
    { logFile, env: { PATH: "/usr/bin:/bin" } },
  );
  box.delay = { milliseconds, process: process_, port: 0 };
  save();
  await waitFor("the delay proxy", () => existsSync(portFile) && readFileSync(portFile, "utf8") !== "", {
    timeoutMs: 10_000,
    detail: () => tail(logFile),
  });
  box.delay.port = Number(readFileSync(portFile, "utf8"));
  const rule = proxyRule(record, box, `${listen}:${box.delay.port}`);
  record.firewall.push(rule);
  save();
  await must(["iptables", "-w", "10", "-t", rule.table, "-I", rule.chain, ...rule.rule]);
  return "proxy";
}

/** Catches the deployer's SSH connections to the box; the proxy's own come from another address and pass. */
function proxyRule(record: LabRecord, box: BoxRecord, to: string): FirewallRule {
  const comment = ["-m", "comment", "--comment", `shiplock-lab:${record.name}:delay:${box.name}`];
  const match = [
    "-p",
    "tcp",
    "-d",
    `${box.address}/32`,
    "--dport",
    "22",
    "!",
    "-s",
    `${proxyAddressOf(record.subnet)}/32`,
  ];
  return { table: "nat", chain: "OUTPUT", rule: [...match, ...comment, "-j", "DNAT", "--to-destination", to] };
}

/** Lets so many bits a second through between a box and everybody else, each way; null takes the limit away. Without `netem`, which would be in its place. */
export async function limitBox(box: BoxRecord, bitsPerSecond: number | null): Promise<void> {
  const inside = ["nsenter", "--target", String(initOf(box).pid), "--net", "--"];
  for (const [at, device] of [
    [[], box.veth],
    [inside, "eth0"],
  ] as const) {
    const shown = await run([...at, "tc", "qdisc", "show", "dev", device]);
    if (shown.stdout.includes("tbf")) await must([...at, "tc", "qdisc", "delete", "dev", device, "root"]);
    if (bitsPerSecond === null) continue;
    const bucket = ["tbf", "rate", `${bitsPerSecond}bit`, "burst", "32kbit", "latency", "400ms"];
    await must([...at, "tc", "qdisc", "add", "dev", device, "root", ...bucket]);
  }
}

async function delayPackets(box: BoxRecord, milliseconds: number): Promise<boolean> {
  const half = `${milliseconds / 2}ms`;
  const outside = await run(["tc", "qdisc", "replace", "dev", box.veth, "root", "netem", "delay", half]);
  if (outside.code !== 0) return false;
  const inside = ["nsenter", "--target", String(initOf(box).pid), "--net", "--"];
  await must([...inside, "tc", "qdisc", "replace", "dev", "eth0", "root", "netem", "delay", half]);
  return true;
}

async function undelay(record: LabRecord, box: BoxRecord, save: () => void): Promise<void> {
  const inside = ["nsenter", "--target", String(initOf(box).pid), "--net", "--"];
  for (const [at, device] of [
    [[], box.veth],
    [inside, "eth0"],
  ] as const) {
    const shown = await run([...at, "tc", "qdisc", "show", "dev", device]);
    if (shown.stdout.includes("netem")) await must([...at, "tc", "qdisc", "delete", "dev", device, "root"]);
  }
  const marker = `shiplock-lab:${record.name}:delay:${box.name}`;
  for (const { table, chain, rule } of record.firewall.filter((entry) => entry.rule.includes(marker))) {
    await must(["iptables", "-w", "10", "-t", table, "-D", chain, ...rule]);
  }
  record.firewall = record.firewall.filter((entry) => !entry.rule.includes(marker));
  save();
  if (box.delay !== undefined) await endProcess(box.delay.process, 0);
  delete box.delay;
}
