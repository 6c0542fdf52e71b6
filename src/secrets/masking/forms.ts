/** A shorter text is too likely to be something else. */
export const shortestForm = 4;
/** A line of a value that is shorter says nothing by itself: a brace, a heading. */
const shortestLine = 8;
const lineBreak = /\r\n|\r|\n/;

/**
 * The ways in which programs write a value: as it is, each of its lines, base64 (at any place of something longer, in both alphabets), hexadecimal, in an address and in a form, in
 * JSON and in JSON within JSON, in HTML, between the quotes of a shell. White space around it is no part of it; how its lines are broken and indented is the search's matter.
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
  const json = jsonForms(text).flatMap((once) => [once, jsonOf(once)]);
  return [
    ...base64Forms(bytes),
    hex,
    hex.toUpperCase(),
    ...percentForms(text),
    ...json,
    ...json.map((form) => form.replaceAll("/", "\\/")),
    ...htmlHabits.map((habit) => htmlOf(text, habit)),
    // What `sh -x` shows: of bash, and of dash.
    text.replaceAll("'", "'\\''"),
    text.replaceAll("'", `'"'"'`),
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
  const strict = component.replaceAll(/[!'()*]/g, (found) => `%${hexOf(found).toUpperCase()}`);
  const form = new URLSearchParams({ v: whole }).toString().slice(2);
  const login = new URL("http://host");
  login.password = whole;
  // Python's `quote` leaves slashes; Go leaves in a login what separates nothing there.
  const python = strict.replaceAll("%2F", "/");
  const go = strict.replaceAll(/%(?:24|26|2B|2C|3B|3D)/g, decodeURIComponent);
  const forms = [component, strict, form, encodeURI(whole), login.password, python, go];
  return [...forms, ...forms.map((one) => one.replaceAll(/%[0-9A-F]{2}/g, (found) => found.toLowerCase()))];
}

/** As it has to be; kept to ASCII; and with what Go, Gson, .NET and PHP write in numbers besides, lest it mean something in HTML. */
function jsonForms(text: string): string[] {
  const json = jsonOf(text);
  const withoutQuotes = json.replaceAll('\\"', "\\u0022");
  return [
    json,
    numbered(json, /[\u007f-\uffff]/g),
    numbered(json, /[\u007f-\uffff]/g, true),
    numbered(json, /[<>&\u2028\u2029]/g),
    numbered(json, /[<>&='\u2028\u2029]/g),
    numbered(withoutQuotes, /[<>&'+`\u007f-\uffff]/g, true),
    numbered(withoutQuotes, /[<>&']/g, true),
  ];
}

function jsonOf(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function numbered(text: string, characters: RegExp, upperCase = false): string {
  return text.replaceAll(characters, (found) => {
    const digits = hexOf(found).padStart(4, "0");
    return `\\u${upperCase ? digits.toUpperCase() : digits}`;
  });
}

function hexOf(character: string): string {
  return character.charCodeAt(0).toString(16);
}

/** How libraries write what has to be written otherwise only in some places of HTML; `&`, `<` and `>` they all write alike. */
const htmlHabits: readonly Readonly<Record<string, string>>[] = [
  { '"': "&quot;", "'": "&#39;" },
  { '"': "&quot;", "'": "&apos;" },
  { '"': "&quot;", "'": "&#x27;" },
  { '"': "&quot;", "'": "&#x27;", "`": "&#x60;", "=": "&#x3D;" },
  { '"': "&quot;", "'": "&#39;", "`": "&#x60;", "=": "&#x3D;", "/": "&#x2F;" },
  { '"': "&#34;", "'": "&#39;" },
  { '"': "&#34;", "'": "&#39;", "+": "&#43;" },
];

function htmlOf(text: string, habit: Readonly<Record<string, string>>): string {
  const always: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  return text.replaceAll(/[&<>"'`=/+]/g, (found) => always[found] ?? habit[found] ?? found);
}
