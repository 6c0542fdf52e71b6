export type Product = { id: number; name: string; price: string };
export type Catalogue = { version: string; products: Product[] };

/** What the shop sells, asked anew for every page. The address is that of the service, inside the environment. */
export async function readCatalogue(): Promise<Catalogue> {
  const address = process.env.API_INTERNAL_URL ?? "http://api:8000";
  const response = await fetch(`${address}/api/products`, { cache: "no-store", signal: AbortSignal.timeout(15_000) });
  if (!response.ok) throw new Error(`the products cannot be read: status ${response.status}`);
  return response.json();
}
