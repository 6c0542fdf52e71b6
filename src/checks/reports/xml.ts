import sax from "sax";
import { messageOf, ShiplockError } from "../../errors.ts";
import { decodeReport, unreadable } from "./unreadable.ts";

/** What a reader of one kind of report wants to hear, in the document's order. Names are without their namespace's prefix. */
export type XmlListener = {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  close(name: string): void;
  /** Text between tags, CDATA included; possibly in several pieces. */
  text?(text: string): void;
};

const deepestAllowed = 200;
/** In UTF-16 units. */
const pieceLength = 4 * 1024 * 1024;

/** Of entities, only the five of XML itself and characters by number. The published types lack `strictEntities`. */
const parserOptions = { strictEntities: true, trim: false };

/**
 * Reads an XML report from beginning to end. Nothing that it refers to is fetched, and a document that declares anything of its own (entities above all) is refused:
 * no report needs that.
 * @param roots names of the root element that the listener understands
 * @throws ShiplockError `check/report-unreadable`
 */
export function readXml(bytes: Uint8Array, file: string, roots: readonly string[], listener: XmlListener): void {
  const text = decodeReport(bytes, file, declaredEncoding(bytes));
  // The library's limit for one attribute, comment or name; its own would refuse a long failure message. Texts are handed on in pieces at this length.
  Object.assign(sax, { MAX_BUFFER_LENGTH: pieceLength });
  const parser = sax.parser(true, parserOptions);
  let depth = 0;
  let root: string | undefined;
  Object.assign(parser, {
    onerror(error: Error) {
      const what = error.message.split("\n")[0]?.toLowerCase() ?? "";
      throw unreadable(file, `it is no proper XML: ${what} (line ${parser.line + 1})`);
    },
    ondoctype(doctype: string) {
      if (doctype.includes("[")) throw unreadable(file, "it declares entities or other markup of its own");
    },
    onopentag(tag: sax.Tag) {
      const name = localName(tag.name);
      if (root === undefined && !roots.includes(name)) {
        throw unreadable(file, `its root is <${tag.name.slice(0, 60)}>, and <${roots.join("> or <")}> is expected`);
      }
      root ??= name;
      depth += 1;
      if (depth > deepestAllowed) throw unreadable(file, `its elements are nested deeper than ${deepestAllowed}`);
      listener.open(name, tag.attributes);
    },
    onclosetag(name: string) {
      depth -= 1;
      listener.close(localName(name));
    },
    ontext: (found: string) => listener.text?.(found),
    oncdata: (found: string) => listener.text?.(found),
  });
  try {
    for (let at = 0; at < text.length; at += pieceLength) parser.write(text.slice(at, at + pieceLength));
    parser.close();
  } catch (error) {
    throw error instanceof ShiplockError ? error : unreadable(file, messageOf(error), error);
  }
  if (root === undefined) throw unreadable(file, "it holds no element");
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

/** What `<?xml encoding="…"?>` says; it is in ASCII in every encoding that has to say so. */
function declaredEncoding(bytes: Uint8Array): string | undefined {
  const beginning = new TextDecoder("latin1").decode(bytes.subarray(0, 200));
  return /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z][\w.-]*)["']/.exec(beginning)?.[1];
}

/** A whole number that an attribute holds, or undefined. */
export function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : undefined;
}
