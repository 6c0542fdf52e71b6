import { blockBytes } from "./tar.ts";

const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;

/** An entry of a tar archive (ustar); its path may have 100 bytes. Without a time or an owner, so that the same content gives the same bytes. */
export function tarEntry(path: string, content: Uint8Array | string, linkTarget = ""): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(blockBytes);
  header.write(path, 0, 100, "utf8");
  header.write(octal(0o644, 7), 100, "latin1");
  for (const at of [108, 116]) header.write(octal(0, 7), at, "latin1");
  header.write(octal(bytes.length, 11), 124, "latin1");
  header.write(octal(0, 11), 136, "latin1");
  header.fill(" ", 148, 156);
  header.write(linkTarget === "" ? "0" : "2", 156, "latin1");
  header.write(linkTarget, 157, 100, "utf8");
  header.write("ustar\x0000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)} `, 148, "latin1");
  return Buffer.concat([header, bytes, Buffer.alloc((blockBytes - (bytes.length % blockBytes)) % blockBytes)]);
}

/** What ends a tar archive. */
export const endOfTar: Buffer = Buffer.alloc(2 * blockBytes);
