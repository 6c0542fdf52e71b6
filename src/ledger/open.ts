import type { SqliteLedgerOptions } from "./sql/sqlite.ts";
import type { Ledger } from "./types.ts";

/**
 * Opens the embedded ledger. SQLite and Kysely are loaded here and not before, so a command that needs no history pays nothing for it.
 * Errors: as `openSqliteLedger`.
 */
export async function openLedger(options: SqliteLedgerOptions): Promise<Ledger> {
  const { openSqliteLedger } = await import("./sql/sqlite.ts");
  return openSqliteLedger(options);
}
