import type { Command, Joint, Redirect, Word } from "./types.ts";
import { closingParenthesis, readWord } from "./word.ts";

/** Deeper `$( $( ) )` is not looked into. */
const DEEPEST = 12;

type Block = { kind: "if" | "loop" | "case"; asked: boolean };

type Draft = {
  words: Word[];
  assignments: { name: string; value: Word }[];
  redirects: Redirect[];
  start: number;
  /** `for x in …` and `case x in` are no commands. */
  header: boolean;
  negated: boolean;
};

type Pending = {
  strip: boolean;
  delimiter: string;
  fill: (body: { text: string; offsets: readonly number[] }) => void;
};

/**
 * The commands of a script of a POSIX shell or bash, in the order in which they are written: also those of both branches of an `if`, of functions and of
 * `$( )`. Never throws; of what is no shell, nonsense comes out, but it comes to an end.
 */
export function readCommands(source: string): readonly Command[] {
  return commandsBetween(source, 0, source.length, { depth: 0, looped: false, counter: { pipelines: 0 } });
}

/** What surrounds a piece of a script. */
type Surroundings = { depth: number; looped: boolean; counter: { pipelines: number } };

function commandsBetween(source: string, from: number, to: number, outer: Surroundings): readonly Command[] {
  const { depth, counter } = outer;
  const commands: Command[] = [];
  const blocks: Block[] = [];
  const pending: Pending[] = [];
  let before: Joint = ";";
  let pipeline = (counter.pipelines += 1);
  let draft = emptyDraft();
  let at = from;

  function finish(joint: Joint): void {
    const { words, assignments, redirects, start, header, negated } = draft;
    const empty = words.length + assignments.length === 0;
    if (!header && !empty) {
      const asked = negated || blocks.some(({ asked: inside }) => inside);
      const looped = isLooped();
      const parts = { words, assignments, redirects, start, before, after: joint, pipeline };
      commands.push({ ...parts, asked, looped, substituted: depth > 0 });
    }
    // What follows a closing bracket, `done` or `fi` is about the last command inside.
    const last = commands.at(-1);
    if (empty && !header && last !== undefined && joint !== ";")
      commands[commands.length - 1] = { ...last, after: joint };
    before = joint;
    if (joint !== "|") pipeline = counter.pipelines += 1;
    draft = emptyDraft();
  }

  function isLooped(): boolean {
    return outer.looped || blocks.some(({ kind }) => kind === "loop");
  }

  /** The commands inside a word or a bracket. */
  function takeInner(inner: { from: number; to: number }): void {
    if (depth >= DEEPEST) return;
    const surroundings = { depth: depth + 1, looped: isLooped(), counter };
    commands.push(...commandsBetween(source, inner.from, Math.min(inner.to, to), surroundings));
  }

  /** A keyword at the place of a command opens or closes a block; false for any other word. */
  function isKeyword(word: Word): boolean {
    if (word.quoted || draft.words.length + draft.assignments.length > 0 || draft.header) return false;
    const innermost = blocks.at(-1);
    switch (word.text) {
      case "if":
        blocks.push({ kind: "if", asked: true });
        return true;
      case "while":
      case "until":
        blocks.push({ kind: "loop", asked: true });
        return true;
      case "for":
      case "select":
        blocks.push({ kind: "loop", asked: false });
        draft.header = true;
        return true;
      case "case":
        blocks.push({ kind: "case", asked: false });
        draft.header = true;
        return true;
      case "elif":
        if (innermost !== undefined) innermost.asked = true;
        return true;
      case "then":
      case "do":
      case "else":
        if (innermost !== undefined) innermost.asked = false;
        return true;
      case "fi":
      case "done":
      case "esac":
        blocks.pop();
        return true;
      case "!":
        draft.negated = true;
        return true;
      case "{":
      case "}":
      case "time":
        return true;
      case "function":
        draft.header = true;
        return true;
      default:
        return false;
    }
  }

  function takeWord(): void {
    const start = at;
    const { word, next, substitutions } = readWord(source, at, to);
    at = Math.max(next, start + (next === start ? 1 : 0));
    for (const inner of substitutions) takeInner(inner);
    if (isKeyword(word)) return;
    // `case x in` has ended, and what follows are patterns and commands.
    if (draft.header && word.text === "in" && blocks.at(-1)?.kind === "case") {
      draft = emptyDraft();
      return;
    }
    if (draft.words.length + draft.assignments.length === 0) draft.start = start;
    const assigned = draft.words.length === 0 ? assignmentOf(word) : null;
    if (assigned === null) draft.words.push(word);
    else draft.assignments.push(assigned);
  }

  function takeRedirect(): void {
    const operator = /^(?:<<<|<<-|<<|>>|>&|<&|>\||<>|<|>)/.exec(source.slice(at, at + 3))?.[0] ?? ">";
    at += operator.length;
    // The number of a stream stands right before.
    const stream = draft.words.at(-1);
    if (stream !== undefined && /^\d$/.test(stream.text) && stream.offsets.at(-1) === at - operator.length)
      draft.words.pop();
    while (at < to && (source[at] === " " || source[at] === "\t")) at += 1;
    if (source[at] === "(") {
      // `<( )`: a command whose output is read like a file.
      const end = closingParenthesis(source, at + 1, to);
      takeInner({ from: at + 1, to: end });
      at = Math.min(end + 1, to);
      return;
    }
    const { word, next, substitutions } = readWord(source, at, to);
    at = next;
    if (operator !== "<<" && operator !== "<<-") {
      for (const inner of substitutions) takeInner(inner);
      draft.redirects.push({ operator, target: word, body: null });
      return;
    }
    const { redirects } = draft;
    const index = redirects.length;
    redirects.push({ operator: "<<", target: null, body: { text: "", offsets: [] } });
    const fill: Pending["fill"] = (body) => {
      redirects[index] = { operator: "<<", target: null, body };
    };
    pending.push({ strip: operator === "<<-", delimiter: word.text, fill });
  }

  /** The bodies of here-documents stand after the line that asks for them. */
  function takeBodies(): void {
    for (const { strip, delimiter, fill } of pending.splice(0)) {
      let text = "";
      const offsets: number[] = [];
      while (at < to) {
        const end = Math.min(to, source.indexOf("\n", at) === -1 ? to : source.indexOf("\n", at));
        let start = at;
        while (strip && source[start] === "\t" && start < end) start += 1;
        at = Math.min(to, end + 1);
        if (source.slice(start, end).replace(/\r$/, "") === delimiter) break;
        for (let each = start; each < Math.min(to, end + 1); each += 1) {
          text += source.charAt(each);
          offsets.push(each);
        }
      }
      offsets.push(at);
      fill({ text, offsets });
    }
  }

  while (at < to) {
    const character = source.charAt(at);
    const two = source.slice(at, at + 2);
    // `#` that is part of a word never comes here: the word reader takes it.
    if (character === "#") {
      const end = source.indexOf("\n", at);
      at = end === -1 ? to : Math.min(end, to);
    } else if (character === "\n") {
      at += 1;
      if (draft.words.length + draft.assignments.length > 0 || draft.header) finish(";");
      takeBodies();
    } else if (character === " " || character === "\t" || character === "\r") at += 1;
    else if (two === "\\\n") at += 2;
    else if (isTest(draft) && two !== "]]" && /^[<>()&|;]/.test(character)) at += 1;
    else if (two === "&&" || two === "||") {
      at += 2;
      finish(two);
    } else if (two === "&>") at += 1;
    else if (character === "|") {
      at += two === "|&" ? 2 : 1;
      if (blocks.at(-1)?.kind === "case" && isPattern(source, at, to)) draft = emptyDraft();
      else finish("|");
    } else if (character === "&" || character === ";") {
      at += 1;
      finish(character);
    } else if (character === "<" || character === ">") takeRedirect();
    else if (two === "((" && draft.words.length === 0) at = Math.min(to, closingParenthesis(source, at + 2, to) + 2);
    else if (character === "(") {
      at += 1;
      // `name()` begins a function.
      if (source.startsWith(")", at) && draft.words.length === 1) {
        at += 1;
        draft = emptyDraft();
      } else if (draft.words.length > 0) finish(";");
    } else if (character === ")") {
      at += 1;
      // The end of a pattern of `case`, or of a subshell.
      if (blocks.at(-1)?.kind === "case" && draft.words.length > 0) draft = emptyDraft();
      else finish(";");
    } else takeWord();
  }
  takeBodies();
  finish("end");
  return commands.toSorted((left, right) => left.start - right.start);
}

function emptyDraft(): Draft {
  return { words: [], assignments: [], redirects: [], start: 0, header: false, negated: false };
}

/** Inside `[[ ]]` the marks of the shell compare. */
function isTest({ words }: Draft): boolean {
  return words[0]?.text === "[[" && words.at(-1)?.text !== "]]";
}

/** `a|b)` in a `case`: a bracket that closes before the line ends and none that opens. */
function isPattern(source: string, from: number, to: number): boolean {
  return /^[^\n()"'`$;]*\)/.test(source.slice(from, Math.min(to, from + 200)));
}

function assignmentOf(word: Word): { name: string; value: Word } | null {
  const name = /^[A-Za-z_]\w*(?=\+?=)/.exec(word.text)?.[0];
  if (name === undefined) return null;
  const start = word.text.indexOf("=") + 1;
  return { name, value: { ...word, text: word.text.slice(start), offsets: word.offsets.slice(start) } };
}
