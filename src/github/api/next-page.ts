/** The number of the next page, as an answer's `link` header has it; null on the last one. */
export function nextPage(link: unknown): number | null {
  if (typeof link !== "string") return null;
  const next = link.split(",").find((part) => /;\s*rel="next"/.test(part));
  const number = Number(/[?&]page=(\d+)/.exec(next ?? "")?.[1]);
  return Number.isInteger(number) && number > 0 ? number : null;
}
