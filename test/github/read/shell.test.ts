import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readCommands } from "../../../src/github/read/shell/commands.ts";
import { programOf } from "../../../src/github/read/shell/program.ts";

const lines = (script: string) => readCommands(script).map(({ words }) => words.map(({ text }) => text).join(" "));

describe("the reader of shell text", () => {
  it("takes quotes away, joins continued lines and leaves comments out", () => {
    assert.deepEqual(lines(`docker run \\\n  --name "my app" 'a b'c # a comment\n# another\necho a#b`), [
      "docker run --name my app a bc",
      "echo a#b",
    ]);
  });

  it("an expression of GitHub is one piece, whatever it holds", () => {
    assert.deepEqual(lines("echo ${{ a || b && 'c;d' }} and \"${{ format('}}', x) }}\"; next"), [
      "echo ${{ a || b && 'c;d' }} and ${{ format('}}', x) }}",
      "next",
    ]);
  });

  it("knows how commands are joined, and who asks for their exit code", () => {
    const commands = readCommands("a && b || c; d | e &\nif f; then g; fi\n! h\nuntil i; do j; done || k\n(l; m) && n");
    const told = commands.map(({ words, before, after, asked, looped }) =>
      [words[0]?.text, before, after, ...(asked ? ["asked"] : []), ...(looped ? ["looped"] : [])].join(" "),
    );
    assert.deepEqual(told, [
      ...["a ; &&", "b && ||", "c || ;", "d ; |", "e | &", "f & ; asked", "g ; ;", "h ; ; asked", "i ; ; asked looped"],
      ...["j ; || looped", "k || ;", "l ; ;", "m ; &&", "n && end"],
    ]);
  });

  it("commands inside $( ), backquotes and <( ) are read too, and those of functions and cases", () => {
    assert.deepEqual(
      lines('x=$(cat "$(pwd)/a" | head -1)\ndiff <(one) `two`\nf() { three; }\ncase $x in a|b) four ;; *) five;; esac'),
      [...["", "cat $(pwd)/a", "pwd", "head -1", "diff `two`", "one", "two", "three", "four", "five"]],
    );
  });

  it("a here-document belongs to its command, without what strips or ends it", () => {
    const [ssh, next] = readCommands("ssh host <<-'END' | tee log\n\tcd /srv\n\t echo END.\n\tEND\necho after");
    assert.equal(ssh?.redirects[0]?.body?.text, "cd /srv\n echo END.\n");
    assert.equal(next?.words[0]?.text, "tee");
    assert.deepEqual(lines("cat <<A <<B\n1\nA\n2\nB\nlast"), ["cat", "last"]);
  });

  it("marks inside [[ ]] and (( )) are no joints", () => {
    assert.deepEqual(lines("[[ $a == b && $c < d ]] && go\n(( a > 1 && b ))\nlast"), [
      "[[ $a == b $c d ]]",
      "go",
      "last",
    ]);
  });

  it("a program is found behind sudo, timeout, variables for sudo and assignments", () => {
    const name = (script: string): string => {
      const [command] = readCommands(script);
      const program = command === undefined ? null : programOf(command);
      return [program?.name, ...(program?.args.map(({ text }) => text) ?? [])].join(" ");
    };
    assert.equal(name("sudo -u deploy -E docker compose up"), "docker compose up");
    assert.equal(name("A=1 timeout -k 5 30 /usr/bin/env B=2 ${SUDO} docker ps"), "docker ps");
    assert.equal(name("sshpass -p secret ssh host"), "ssh host");
    assert.equal(name("sudo"), "sudo");
  });

  it("every character of a word says where it stands in the script", () => {
    const script = `a "b c"'d'\\\ne "x \\" y"`;
    for (const { words } of readCommands(script))
      for (const { text, offsets } of words) {
        assert.equal(offsets.length, text.length + 1);
        for (const [at, character] of [...text].entries()) assert.equal(script[offsets[at] ?? -1], character);
      }
  });

  it("comes to an end and never throws, whatever the text", () => {
    const pieces = fc.constantFrom(
      ..."if then fi for in do done case esac ${{ }} $( ) ` \" ' \\ \n << <<- EOF # ; && || | & > < ( ) (( )) { } [[ ]] ssh a= \t".split(
        " ",
      ),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(pieces, { maxLength: 60 }).map((all) => all.join(" ")),
        ),
        (script) => {
          for (const { start, words } of readCommands(script)) {
            assert.ok(start >= 0 && start <= script.length);
            for (const { text, offsets } of words) assert.equal(offsets.length, text.length + 1);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("reads a long script in a moment, also one that only opens brackets", () => {
    for (const script of [
      "$(".repeat(50_000),
      "(".repeat(100_000),
      "a;".repeat(50_000),
      "<<E ".repeat(20_000),
      "`".repeat(100_001),
      '"$('.repeat(30_000),
    ]) {
      const before = process.cpuUsage();
      readCommands(script);
      assert.ok(process.cpuUsage(before).user < 20_000_000, `${script.slice(0, 3)}… takes long`);
    }
  });
});
