/** A shorter text is too likely to be something else. */
export const shortestForm = 4;
/** A line of a value that is shorter says nothing by itself: a brace, a heading. */
const shortestLine = 8;
const lineBreak = /\r\n|\r|\n/;

/**
 * The ways in which programs write a value: as it is, each of its lines, base64 (at any place of something longer, in both alphabets), hexadecimal, in an address and in a form, in
 * JSON and in JSON within JSON, in HTML. White space around it is no part of it; how its lines are broken and indented is the search's matter.
 */
export function formsOf(value: string): readonly string[] {
  const lines = value.split(lineBreak).map((line) => line.trim());
  return [...wholeForms(value), ...lines.filter((line) => line.length >= shortestLine)];
}

/** Those of `formsOf` that hold the whole value. */
export function wholeForms(value: string): readonly string[] {
  const trimmed = value.trim();
  if (trimmed.length < shortestForm) return [];
  const lines = trimmed.split(lineBreak);
  const written = lines.length === 1 ? [trimmed] : [trimmed, lines.join("\n"), lines.join("\r\n")];
  const forms = [...new Set(written)].flatMap((text) => [text, ...encodings(text)]);
  return [...new Set(forms)].filter((form) => form.length >= shortestForm);
}

function encodings(text: string): string[] {
  const bytes = Buffer.from(text, "utf8");
  const hex = bytes.toString("hex");
  const json = [jsonOf(text), asciiJson(jsonOf(text))].flatMap((once) => [once, jsonOf(once)]);
  return [
    ...base64Forms(bytes),
    hex,
    hex.toUpperCase(),
    ...percentForms(text),
    ...json,
    ...json.map((form) => form.replaceAll("/", "\\/")),
    htmlOf(text, "&#39;"),
    htmlOf(text, "&apos;"),
  ];
}

/** By itself and inside something longer (a login header encodes `user:password`): there it may begin at any of three places of a group. */
function base64Forms(bytes: Buffer): string[] {
  const inside = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // The first and last characters are mixed with the neighbours' bits.
    return text.slice(shift === 0 ? 0 : shift + 1, (shift + bytes.length) % 3 === 0 ? undefined : -1);
  });
  const plain = bytes.toString("base64");
  return [plain, plain.replace(/=+$/, ""), ...inside].flatMap((form) => [
    form,
    form.replaceAll("+", "-").replaceAll("/", "_"),
  ]);
}

/** Libraries differ in what they leave as it is, in how they write a space, and in the case of the digits. */
function percentForms(text: string): string[] {
  // Half a character, which no text that came from outside has, cannot be encoded.
  const whole = text.toWellFormed();
  const component = encodeURIComponent(whole);
  const strict = component.replaceAll(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams({ v: whole }).toString().slice(2);
  const forms = [component, strict, form, encodeURI(whole)];
  return [...forms, ...forms.map((one) => one.replaceAll(/%[0-9A-F]{2}/g, (found) => found.toLowerCase()))];
}

function jsonOf(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** As the libraries write it that keep to ASCII. */
function asciiJson(text: string): string {
  return text.replaceAll(/[\u007f-\uffff]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function htmlOf(text: string, apostrophe: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", apostrophe);
}
