from .models import Product


def describe(product: Product) -> dict:
    """A product as the API shows it."""
    return {
        "id": product.id,
        "name": product.name,
        "price": f"{product.price_cents / 100:.2f} €",
    }
