import { readCatalogue } from "./catalogue";
import { OrderButton } from "./order-button";
import { version } from "./version";

export const dynamic = "force-dynamic";

export default async function Page() {
  const catalogue = await readCatalogue();
  return (
    <main>
      <h1>Shop</h1>
      <ul>
        {catalogue.products.map((product) => (
          <li key={product.id} data-product={product.id}>
            <span>{product.name}</span>
            <span>{product.price}</span>
            <OrderButton productId={product.id} />
          </li>
        ))}
      </ul>
      <footer>{`web ${version} · api ${catalogue.version} · orders go to ${process.env.NEXT_PUBLIC_API_URL}`}</footer>
    </main>
  );
}
