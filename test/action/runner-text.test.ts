import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRunnerLog } from "../../src/action/runner-log.ts";
import { fileCommand, maskedLines, withoutCommands, workflowCommand } from "../../src/action/runner-text.ts";

/** Whether GitHub's runner would take a line for a command: it trims the line, and looks for the old form anywhere. */
function isCommand(line: string): boolean {
  return /^[\s\u0085\u180e\u200b\ufeff]*::/.test(line) || line.includes("##[");
}

const hostile = fc
  .array(
    fc.constantFrom(
      "::",
      "##[",
      "error",
      "::set-env name=X::",
      "\n",
      "\r",
      " ",
      "\t",
      "\u0085",
      "\ufeff",
      "a",
      ":",
      "##",
      "[",
    ),
  )
  .map((parts) => parts.join(""));

test("no text of an application is a command for the runner", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(hostile, fc.string())), (pieces) => {
      let written = "";
      const log = createRunnerLog({ write: (text) => (written += text) });
      for (const piece of pieces) log.text.write(piece);
      for (const line of written.split(/[\r\n]/)) assert.ok(!isCommand(line), JSON.stringify(line));
    }),
  );
  assert.equal(withoutCommands("a\n  ::error::x\r\nb ::notice::"), "a\n  │ ::error::x\r\nb ::notice::");
});

test("what is said stays readable: text without commands is left as it is", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!text.split(/[\r\n]/).some(isCommand));
      assert.equal(withoutCommands(text), text);
    }),
  );
});

test("a command is one line, whatever its properties and data hold", () => {
  assert.equal(
    workflowCommand("error", { file: "a,b:c.yml", line: 3, col: undefined, title: "" }, "50 %\nmore"),
    "::error file=a%2Cb%3Ac.yml,line=3::50 %25%0Amore\n",
  );
  fc.assert(
    fc.property(fc.string(), fc.string(), (property, data) => {
      assert.match(workflowCommand("notice", { title: property }, data), /^::notice[^\r\n]*\n$/);
    }),
  );
});

test("a secret of several lines is masked line by line, each once, before anything else is said of it", () => {
  const written: string[] = [];
  const log = createRunnerLog({ write: (text) => written.push(text) });
  log.mask(["first line\r\nsecond 100%\n}\n", "first line", "abc"]);
  log.mask(["second 100%"]);
  assert.deepEqual(written, ["::add-mask::first line\n", "::add-mask::second 100%25\n"]);
  assert.deepEqual(maskedLines("a\nb"), []);
});

test("groups follow one another, and none is open twice", () => {
  let written = "";
  const log = createRunnerLog({ write: (text) => (written += text) });
  for (const title of ["Checks", "Checks", "Images", null, null]) log.group(title);
  assert.equal(written, "::group::Checks\n::endgroup::\n::group::Images\n::endgroup::\n");
});

test("an output holds whatever it holds between two lines that nobody could guess", () => {
  assert.equal(fileCommand("document", "{\n}\nEOF", "u-1"), "document<<u-1\n{\n}\nEOF\nu-1\n");
});
