import type { Listed } from "../routes/types.ts";

/**
 * One page of a list, as GitHub cuts them: 30 at a time unless told otherwise and at most 100, with a `link` header to the others.
 * @param address of the request, without its query
 */
export function pageOf(
  list: Listed,
  query: Readonly<Record<string, unknown>>,
  address: string,
): { body: unknown; link: string | null } {
  const usual = list.perPage ?? 30;
  const perPage = Math.min(Math.max(numberIn(query["per_page"], usual), 1), Math.max(usual, 100));
  const page = Math.max(numberIn(query["page"], 1), 1);
  const last = Math.max(Math.ceil(list.items.length / perPage), 1);
  const shown = list.items.slice((page - 1) * perPage, page * perPage).map(list.show as (item: unknown) => unknown);
  const to = (number: number, rel: string): string => {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) parameters.set(name, String(value));
    parameters.set("page", String(number));
    return `<${address}?${parameters.toString()}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [to(page - 1, "prev")] : []),
    ...(page < last ? [to(page + 1, "next"), to(last, "last")] : []),
    ...(page > 1 ? [to(1, "first")] : []),
  ];
  const count = list.beside ?? { total_count: list.items.length };
  const body = list.within === undefined ? shown : { ...count, [list.within]: shown };
  return { body, link: links.length === 0 ? null : links.join(", ") };
}

function numberIn(value: unknown, otherwise: number): number {
  const number = Number(value ?? otherwise);
  return Number.isInteger(number) ? number : otherwise;
}
