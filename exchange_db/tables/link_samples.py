"""The past of links, in buckets (``exchange_db.link_samples``)."""

from sqlalchemy import BigInteger, Column, Integer, SmallInteger, Table

from exchange_db.tables.base import METADATA, TIME

#: One row a link, grain and bucket, written over until the bucket is full.
link_samples = Table(
    "link_samples",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("grain", SmallInteger, primary_key=True, autoincrement=False),
    Column("begin_time", TIME, primary_key=True),
    Column("sample_count", Integer, nullable=False),
    Column("down_count", Integer, nullable=False),
    Column("lag_records", BigInteger, nullable=False),
    Column("lag_seconds", Integer, nullable=False),
    Column("canary_ms", Integer),
    Column("sent_number", BigInteger, nullable=False),
    Column("received_number", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "70"},
)
