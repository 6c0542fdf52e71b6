import assert from "node:assert/strict";
import { test } from "node:test";
import { ledgerPath } from "../../src/ledger/location.ts";

test("the ledger lies under the user's state folder unless told otherwise", () => {
  const home = "/home/ada";
  assert.equal(ledgerPath({ env: {}, home }), "/home/ada/.local/state/shiplock/ledger.db");
  assert.equal(ledgerPath({ env: { XDG_STATE_HOME: "/var/state" }, home }), "/var/state/shiplock/ledger.db");
  assert.equal(ledgerPath({ env: { XDG_STATE_HOME: "relative" }, home }), "/home/ada/.local/state/shiplock/ledger.db");
  assert.equal(ledgerPath({ env: { XDG_STATE_HOME: "" }, home }), "/home/ada/.local/state/shiplock/ledger.db");
  assert.equal(ledgerPath({ env: { SHIPLOCK_LEDGER: "/x/l.db", XDG_STATE_HOME: "/var/state" }, home }), "/x/l.db");
});
