import { clip } from "./words.ts";

/** Nothing to see, and what they stand between is no longer one word. */
const between = "&#8203;";

/**
 * Text from outside as GitHub's Markdown shows it, letter for letter and on one line: nothing of it is a link, a picture, a cell of a table, HTML, a mention or a number of an issue.
 * GitHub looks for mentions and numbers in what it has rendered, so their signs are not only written as entities but also parted from what follows.
 * @param characters the most that are shown
 */
export function escapeMarkdown(text: string, characters = 200): string {
  const line = text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replaceAll(/[\p{Cf}\p{Co}]/gu, "")
    .trim();
  return clip(line, characters).replaceAll(/[!-/:-@[-`{-~]/g, (sign) => {
    const entity = `&#${sign.charCodeAt(0)};`;
    return sign === "@" || sign === "#" ? `${entity}${between}` : entity;
  });
}

/** A link to a page; what is no address of one is shown as text. */
export function markdownLink(text: string, address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
    return escapeMarkdown(address);
  const written = url.href.replaceAll(
    /[<>()[\]|\\`"'*_~]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `[${escapeMarkdown(text)}](<${written}>)`;
}
