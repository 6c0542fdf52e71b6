import type { Kysely } from "kysely";
import { fromText, packAttachment } from "../attachments.ts";
import { unknownRelease } from "../errors.ts";
import type { Attachment, AttachmentKind, NewAttachment } from "../types.ts";
import type { AttachmentRow, LedgerTables } from "./schema.ts";

export async function attach(
  db: Kysely<LedgerTables>,
  project: string,
  release: string,
  told: NewAttachment,
): Promise<Attachment> {
  const packed = await packAttachment(release, told);
  const row = attachmentRow(project, packed.attachment, packed.content);
  return db.transaction().execute(async (transaction) => {
    const owner = await transaction
      .selectFrom("releases")
      .select("id")
      .where("project", "=", project)
      .where("id", "=", release)
      .executeTakeFirst();
    if (!owner) throw unknownRelease(release);
    const stored = await attachmentRows(transaction, project)
      .where("release_id", "=", release)
      .where("kind", "=", row.kind)
      .where("image", "=", row.image)
      .where("subject", "=", row.subject)
      .where("digest", "=", row.digest)
      .executeTakeFirst();
    if (stored) return attachmentEntry(stored);
    await transaction.insertInto("release_attachments").values(row).execute();
    return packed.attachment;
  });
}

export async function attachmentsWith(
  db: Kysely<LedgerTables>,
  project: string,
  release: string,
): Promise<Attachment[]> {
  const found = await attachmentRows(db, project).where("release_id", "=", release).execute();
  return found.map(attachmentEntry);
}

export async function attachmentsAbout(
  db: Kysely<LedgerTables>,
  project: string,
  subject: string,
): Promise<Attachment[]> {
  const found = await attachmentRows(db, project).where("subject", "=", subject).execute();
  return found.map(attachmentEntry);
}

export async function readAttachment(
  db: Kysely<LedgerTables>,
  project: string,
  digest: string,
): Promise<Uint8Array | null> {
  const found = await db
    .selectFrom("release_attachments")
    .select("content")
    .where("project", "=", project)
    .where("digest", "=", digest)
    .limit(1)
    .executeTakeFirst();
  return found ? fromText(found.content) : null;
}

function attachmentRows(db: Kysely<LedgerTables>, project: string) {
  return db
    .selectFrom("release_attachments")
    .select(["release_id", "kind", "image", "subject", "media_type", "digest", "at", "size"])
    .where("project", "=", project)
    .orderBy("at")
    .orderBy("image")
    .orderBy("kind")
    .orderBy("release_id")
    .orderBy("digest");
}

function attachmentRow(project: string, entry: Attachment, content: string): AttachmentRow {
  const { release, mediaType, ...same } = entry;
  return { ...same, project, release_id: release, media_type: mediaType, content };
}

function attachmentEntry(row: Omit<AttachmentRow, "project" | "content">): Attachment {
  const { image, subject, digest } = row;
  const { release_id: release, media_type: mediaType } = row;
  const kind = row.kind as AttachmentKind;
  return { release, kind, image, subject, mediaType, digest, at: Number(row.at), size: Number(row.size) };
}
