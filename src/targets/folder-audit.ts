import type { AuditSegments } from "../environments/audit/types.ts";
import type { HostFiles } from "../hosts/types.ts";

const privately = { mode: 0o600, folders: 0o700 } as const;

/** The files of an environment's audit log, in the folder `audit` beside its record. */
export function folderAudit(files: HostFiles, folder: string): AuditSegments {
  const path = (index: number): string => `${folder}/audit/${String(index + 1).padStart(6, "0")}.jsonl`;
  return {
    read: async (index) => {
      const bytes = await files.read(path(index));
      return bytes === null ? null : new TextDecoder().decode(bytes);
    },
    write: (index, text) => files.write(path(index), text, privately),
  };
}
