import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { heedReaders } from "../../src/cli/readers.ts";

function outputs() {
  const [stdout, stderr] = [new EventEmitter(), new EventEmitter()];
  const exits: number[] = [];
  const readers = heedReaders([stdout, stderr], (code) => exits.push(code));
  return { stdout, stderr, exits, readers };
}

const broken = (code: string): Error => Object.assign(new Error(code), { code });

describe("output that nobody reads any more", () => {
  it("ends a command that only shows something, without an error", () => {
    const { stdout, exits } = outputs();
    stdout.emit("error", broken("EPIPE"));
    assert.deepEqual(exits, [0]);
  });

  it("stops no command in the middle of a change, be it a pipe or a terminal that is gone", () => {
    const { stdout, stderr, exits, readers } = outputs();
    readers.goOnWithout();
    stdout.emit("error", broken("EPIPE"));
    stderr.emit("error", broken("EIO"));
    assert.deepEqual(exits, []);
  });

  it("is not taken for another error", () => {
    const { stdout } = outputs();
    assert.throws(() => stdout.emit("error", broken("ENOSPC")), /ENOSPC/);
  });
});
