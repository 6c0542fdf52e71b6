import type { LabHost } from "../../lab/host.ts";
import { run } from "../../lab/process.ts";

/** The whole disk of a host but its programs and what the kernel shows. */
const disk = ["/etc", "/home", "/media", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp", "/var"];

/** Files of a host, containers and images among them, that hold one of these texts in one of the forms in which programs write them. */
export async function filesWith(host: LabHost, texts: string | readonly string[]): Promise<string[]> {
  const found = await host.exec(["grep", "-rlsF", "--binary-files=text", "-f", "-", ...disk], {
    input: [texts].flat().flatMap(formsOf).join("\n"),
    timeoutMs: 120_000,
  });
  if (found.code > 1 && found.stdout === "" && found.stderr !== "") throw new Error(found.stderr);
  return found.stdout.split("\n").filter((line) => line !== "");
}

/** Files below a folder of this machine that hold one of these texts, in the same forms. */
export async function filesBelow(folder: string, texts: string | readonly string[]): Promise<string[]> {
  const found = await run(["grep", "-rlsF", "--binary-files=text", "--exclude-dir=.git", "-f", "-", folder], {
    input: [texts].flat().flatMap(formsOf).join("\n"),
    timeoutMs: 60_000,
  });
  return found.stdout.split("\n").filter((line) => line !== "");
}

/** A text as it is, in an address, in JSON, in hexadecimal, and anywhere inside something in base64. The test's own list, so that it does not repeat a mistake of the product's. */
export function formsOf(text: string): string[] {
  const hex = Buffer.from(text).toString("hex");
  return [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1), hex, hex.toUpperCase(), ...inBase64(text)];
}

/** What a text leaves in base64, wherever it begins in what was encoded: without the characters that its neighbours share. */
function inBase64(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
    const encoded = bytes.toString("base64").replaceAll("=", "");
    return encoded.slice(before === 0 ? 0 : before + 1, bytes.length % 3 === 0 ? undefined : -1);
  });
}
