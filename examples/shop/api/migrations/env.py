from logging.config import fileConfig

from alembic import context
from sqlalchemy import text

from shop.database import engine
from shop.models import Base

fileConfig(context.config.config_file_name)

# Any number that all migrations of this database share: two of them never run at once.
LOCK = 7305

with engine.connect() as connection:
    connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": LOCK})
    # A migration that has to wait for a table gives up rather than making every query wait behind it.
    connection.execute(text("set lock_timeout = '5s'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
