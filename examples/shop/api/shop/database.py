import os

from sqlalchemy import URL, create_engine
from sqlalchemy.orm import sessionmaker

url = URL.create(
    "postgresql+psycopg",
    username=os.environ["DATABASE_USER"],
    password=os.environ["DATABASE_PASSWORD"],
    host=os.environ["DATABASE_HOST"],
    port=int(os.environ.get("DATABASE_PORT", "5432")),
    database=os.environ["DATABASE_NAME"],
)

# A connection that the database has closed meanwhile is replaced before it is used.
engine = create_engine(url, pool_pre_ping=True, pool_timeout=15, connect_args={"connect_timeout": 5})
Session = sessionmaker(engine)
