import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { attachmentTooLarge } from "./errors.ts";
import { ATTACHMENT_BYTES } from "./limits.ts";
import type { Attachment, NewAttachment } from "./types.ts";

const compress = promisify(gzip);
const expand = promisify(gunzip);

/** An attachment as it is kept: what is known of it, and its bytes compressed as text. Errors: `ledger/attachment-too-large`. */
export async function packAttachment(
  release: string,
  { bytes, ...told }: NewAttachment,
): Promise<{ attachment: Attachment; content: string }> {
  const size = bytes.byteLength;
  if (size > ATTACHMENT_BYTES) throw attachmentTooLarge(told.kind, told.image, size, ATTACHMENT_BYTES);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  return { attachment: { ...told, release, digest, size }, content: (await compress(bytes)).toString("base64") };
}

/** The bytes of what `packAttachment` made text of. */
export async function fromText(content: string): Promise<Uint8Array> {
  return expand(Buffer.from(content, "base64"), { maxOutputLength: ATTACHMENT_BYTES });
}
