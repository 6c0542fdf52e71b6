from sqlalchemy import text

from .database import engine


def check() -> None:
    """Raises when the database does not answer."""
    with engine.connect() as connection:
        connection.execute(text("select 1"))
