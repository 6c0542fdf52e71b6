import { readFileSync, writeFileSync } from "node:fs";
import { ShiplockError } from "../../src/errors.ts";
import { must, run } from "./process.ts";
import type { BoxRecord, FirewallRule, LabRecord } from "./record.ts";

const FORWARDING = "/proc/sys/net/ipv4/ip_forward";

/** Address of the root namespace on the lab's bridge: the deployer, the registry. */
export function gatewayOf(subnet: number): string {
  return `10.231.${subnet}.1`;
}

/** Address of the runner: the only box that reaches the outside (builds fetch packages). */
export function runnerAddressOf(subnet: number): string {
  return `10.231.${subnet}.254`;
}

/** Address of the host with this index (0 for the first). */
export function hostAddressOf(subnet: number, index: number): string {
  return `10.231.${subnet}.${10 + index}`;
}

/** The address a delay proxy dials from, so that the rule which catches connections lets it pass. */
export function proxyAddressOf(subnet: number): string {
  return `10.231.${subnet}.2`;
}

type Address = { ifname: string; addr_info: { local: string }[] };

/** A subnet number that no address of this machine lies in; `wish` is kept when it is free. */
export async function freeSubnet(wish: number | undefined, taken: ReadonlySet<number>): Promise<number> {
  const interfaces = JSON.parse(await must(["ip", "-j", "-4", "addr"])) as Address[];
  const inUse = new Set(taken);
  for (const { local } of interfaces.flatMap((entry) => entry.addr_info)) {
    const match = /^10\.231\.(\d+)\./.exec(local);
    if (match !== null) inUse.add(Number(match[1]));
  }
  const candidates = [...(wish === undefined ? [] : [wish]), ...Array.from({ length: 200 }, (_, index) => index)];
  const free = candidates.find((candidate) => !inUse.has(candidate));
  if (free !== undefined) return free;
  throw new ShiplockError({ code: "lab-subnet", message: "no free subnet 10.231.0.0/24 to 10.231.199.0/24 is left" });
}

/** The rules in the root namespace: hosts reach each other whatever a firewall says, and the runner reaches the outside. */
function rulesOf(record: LabRecord, bridge: string): FirewallRule[] {
  const comment = ["-m", "comment", "--comment", `shiplock-lab:${record.name}`];
  const runner = `${runnerAddressOf(record.subnet)}/32`;
  return [
    { table: "filter", chain: "FORWARD", rule: ["-i", bridge, "-o", bridge, ...comment, "-j", "ACCEPT"] },
    { table: "filter", chain: "FORWARD", rule: ["-i", bridge, "-s", runner, ...comment, "-j", "ACCEPT"] },
    { table: "filter", chain: "FORWARD", rule: ["-o", bridge, "-d", runner, ...comment, "-j", "ACCEPT"] },
    { table: "nat", chain: "POSTROUTING", rule: ["-s", runner, "!", "-o", bridge, ...comment, "-j", "MASQUERADE"] },
  ];
}

/**
 * Makes the lab's bridge and rules in the root namespace. `save` is called before each thing is made, with the record
 * naming it, so that a crash leaves nothing unrecorded.
 * @param others the records of the other labs on this machine
 */
export async function raiseNetwork(record: LabRecord, others: readonly LabRecord[], save: () => void): Promise<void> {
  const bridge = `slab${record.subnet}`;
  record.bridge = bridge;
  save();
  await must(["ip", "link", "add", bridge, "type", "bridge"]);
  for (const address of [gatewayOf(record.subnet), proxyAddressOf(record.subnet)]) {
    await must(["ip", "addr", "add", `${address}/24`, "dev", bridge]);
  }
  await must(["ip", "link", "set", bridge, "up"]);
  const now = readFileSync(FORWARDING, "utf8").trim();
  // Another lab may have switched it on; the last one to go switches it back.
  record.forwardingBefore = others.some((other) => other.forwardingBefore === "0") ? "0" : now;
  save();
  if (now !== "1") writeFileSync(FORWARDING, "1");
  for (const rule of rulesOf(record, bridge)) {
    record.firewall.push(rule);
    save();
    await must(["iptables", "-w", "10", "-t", rule.table, "-I", rule.chain, ...rule.rule]);
  }
}

/** Undoes `raiseNetwork` by the record; what is gone already is fine. */
export async function lowerNetwork(record: LabRecord, options: { lastLab: boolean }): Promise<void> {
  for (const { table, chain, rule } of record.firewall.toReversed()) {
    const present = await run(["iptables", "-w", "10", "-t", table, "-C", chain, ...rule]);
    if (present.code === 0) await must(["iptables", "-w", "10", "-t", table, "-D", chain, ...rule]);
  }
  record.firewall = [];
  if (record.bridge !== undefined && (await run(["ip", "link", "show", record.bridge])).code === 0) {
    await must(["ip", "link", "delete", record.bridge]);
  }
  delete record.bridge;
  if (record.forwardingBefore === "0" && options.lastLab) writeFileSync(FORWARDING, "0");
  delete record.forwardingBefore;
}

/** Connects a box (its network namespace is the one of `pid`) to the bridge; the runner gets a way out. */
export async function connectBox(record: LabRecord, box: BoxRecord, pid: number): Promise<void> {
  const bridge = record.bridge ?? "";
  // The same hardware address after every start, so that nobody's address table points to the box's former life.
  const hardware = ["02:00", ...box.address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))].join(
    ":",
  );
  const peer = ["peer", "name", "eth0", "address", hardware, "netns", String(pid)];
  await must(["ip", "link", "add", box.veth, "type", "veth", ...peer]);
  await must(["ip", "link", "set", box.veth, "master", bridge, "up"]);
  const inside = ["nsenter", "--target", String(pid), "--net", "--"];
  await must([...inside, "ip", "addr", "add", `${box.address}/24`, "dev", "eth0"]);
  await must([...inside, "ip", "link", "set", "eth0", "up"]);
  if (box.kind === "runner") await must([...inside, "ip", "route", "add", "default", "via", gatewayOf(record.subnet)]);
}
