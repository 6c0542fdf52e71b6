"""Products and orders"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    products = op.create_table(
        "products",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("price_cents", sa.Integer, nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("product_id", sa.Integer, sa.ForeignKey("products.id"), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="placed"),
    )
    op.bulk_insert(
        products,
        [
            {"name": "Green tea", "price_cents": 650},
            {"name": "Tea pot", "price_cents": 3200},
            {"name": "Strainer", "price_cents": 900},
        ],
    )


def downgrade() -> None:
    op.drop_table("orders")
    op.drop_table("products")
