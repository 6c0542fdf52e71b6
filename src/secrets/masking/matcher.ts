import { shortestForm } from "./forms.ts";

/** A part of a text, from a position up to but not including another. */
export type Range = { readonly from: number; readonly to: number };

/**
 * What stands at a position of a text. `more`: it can be said only when more of the text is there.
 */
export type Found = Range | "nothing" | "more";

/** Finds the forms of secrets in text, however their lines are broken. */
export type Matcher = {
  add(form: string): void;
  /** How many forms it knows. */
  size(): number;
  /**
   * The longest form, or beginning of one before an ellipsis, that begins at a position. Of a form that is broken over lines, less than `shortestForm` characters before the last such break are left out of the range: who shows
   * lines as they come has shown them by then.
   * @param ended whether the text goes no further
   */
  at(text: string, position: number, ended: boolean): Found;
};

/** A form without its white space, and the white space that stands in it by the number of the character behind it. */
type Form = {
  readonly characters: string;
  readonly gaps: ReadonlyMap<number, string>;
  /** Long enough that it is not found by chance where lines are broken. */
  readonly breaks: boolean;
};

/** Of a shorter form, white space has to be as it is in the form. */
const shortestBroken = 8;
/** So much of a form's beginning is taken for it where text was cut off. */
const shortestCut = 8;
/** How much room in the text a broken form may take, by its length; what is indented further is not looked for. */
const mostRoom = (length: number): number => 4 * length + 256;

/** What stands where we cut text off. */
const ellipsis = "…".charCodeAt(0);
const tableSize = 1 << 16;

/**
 * Forms lie in a table by their first characters, so that a position costs the same however many forms there are, and a text no more than its length times the few forms that begin alike.
 */
export function createMatcher(): Matcher {
  const known = new Set<string>();
  const present = new Uint8Array(tableSize);
  const byBeginning = new Map<number, Form[]>();
  /** Beginnings that are too short for the table. */
  const stubs = new Set<string>();

  return {
    size: () => known.size,
    add(text) {
      const form = formFrom(text);
      if (form.characters.length < shortestForm || known.has(text)) return;
      known.add(text);
      const slot = slotOf(form.characters);
      present[slot] = 1;
      byBeginning.set(slot, [...(byBeginning.get(slot) ?? []), form]);
      for (let length = 1; length < shortestForm; length += 1) stubs.add(form.characters.slice(0, length));
    },
    at(text, position, ended) {
      const beginning = slotAt(text, position);
      if (beginning < 0) return !ended && stubs.has(lettersOf(text.slice(position))) ? "more" : "nothing";
      if (present[beginning] === 0) return "nothing";
      let best: Range | null = null;
      for (const form of byBeginning.get(beginning) ?? []) {
        const found = compare(form, text, position, ended);
        if (found === "more") return "more";
        if (found !== "nothing" && (best === null || found.to > best.to)) best = found;
      }
      return best ?? "nothing";
    },
  };
}

function formFrom(text: string): Form {
  const gaps = new Map<number, string>();
  let characters = "";
  const trimmed = text.trim();
  for (const [part] of trimmed.matchAll(/[ \t-\r]+|[^ \t-\r]+/g)) {
    if (isSpace(part.charCodeAt(0))) gaps.set(characters.length, part);
    else characters += part;
  }
  return { characters, gaps, breaks: trimmed.length >= shortestBroken };
}

function compare(form: Form, text: string, position: number, ended: boolean): Found {
  const { characters } = form;
  const last = Math.min(text.length, position + mostRoom(characters.length));
  let at = position;
  let from = position;
  for (let index = 0; index < characters.length; index += 1) {
    const begin = at;
    if (index > 0) while (at < last && isSpace(text.charCodeAt(at))) at += 1;
    const broken = at > begin && hasBreak(text, begin, at);
    const own = index === 0 ? undefined : form.gaps.get(index);
    if (at === last) {
      if (ended || last < text.length) return "nothing";
      return form.breaks || text.slice(begin, at) === (own ?? "").slice(0, at - begin) ? "more" : "nothing";
    }
    if (at > begin || own !== undefined) if (!fits(form, own, text.slice(begin, at), broken)) return "nothing";
    if (broken && index < shortestForm) from = at;
    const code = text.charCodeAt(at);
    if (code !== characters.charCodeAt(index))
      return code === ellipsis && index >= shortestCut ? { from, to: at } : "nothing";
    at += 1;
  }
  return { from, to: at };
}

/** White space as it is in the form; or a line that was broken here, or one that was not although the form has a break. */
function fits(form: Form, own: string | undefined, found: string, broken: boolean): boolean {
  if (found === (own ?? "")) return true;
  return form.breaks && (broken || (own !== undefined && hasBreak(own, 0, own.length)));
}

/** Where in the table the characters at a position lie, white space passed over; -1 where there are too few. */
function slotAt(text: string, position: number): number {
  let slot = 0;
  let count = 0;
  const last = Math.min(text.length, position + mostRoom(shortestForm));
  for (let at = position; at < last && count < shortestForm; at += 1) {
    const code = text.charCodeAt(at);
    if (isSpace(code)) continue;
    slot = (Math.imul(slot, 0x9e3779b1) + code) | 0;
    count += 1;
  }
  return count < shortestForm ? -1 : (slot ^ (slot >>> 16)) & (tableSize - 1);
}

function slotOf(characters: string): number {
  return slotAt(characters, 0);
}

function lettersOf(text: string): string {
  return text.length > mostRoom(shortestForm) ? "" : text.replaceAll(/[ \t-\r]+/g, "");
}

function hasBreak(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (text.charCodeAt(at) === 10 || text.charCodeAt(at) === 13) return true;
  return false;
}

/** Space, tab, and the four that end a line or a page. */
export function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}
