"""What is known of the rows partners write into their databases: how far they are read, and what became of each."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text

from exchange_db.tables.base import METADATA, TIME

#: How far a source of a partner (its key log, or one table) is read; written with the records that were read there.
#: ``position`` is known to the reader alone.
pickup_positions = Table(
    "pickup_positions",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("position", Text, nullable=False),
    Column("saved_time", TIME, nullable=False),
)

#: Which rows of a partner a number of its stream stands for; ``row_key`` is a JSON array of texts.
pickup_rows = Table(
    "pickup_rows",
    METADATA,
    Column("stream_id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("table_name", Text, primary_key=True),
    Column("row_key", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
)

#: What a row held when it was last read, for rows that carry no revision of their own or may be read twice.
pickup_states = Table(
    "pickup_states",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("table_name", Text, primary_key=True),
    Column("row_key", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    postgresql_with={"fillfactor": "80"},
)

#: Tables of partners that are not read for now, and why in both languages.
pickup_pauses = Table(
    "pickup_pauses",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("table_name", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("trouble", Text, nullable=False),
    Column("paused_time", TIME, nullable=False),
)

#: Rows of partners that are kept unread, a part a table of a page; ``shape`` is the JSON of key and columns.
pickup_pages = Table(
    "pickup_pages",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("page_no", BigInteger, primary_key=True, autoincrement=False),
    Column("part_no", Integer, primary_key=True, autoincrement=False),
    Column("table_name", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("shape", Text, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("byte_count", BigInteger, nullable=False),
    Column("kept_time", TIME, nullable=False),
)

#: The bytes of those parts in pieces; never moved out of line or compressed, which costs more than it spares.
pickup_bytes = Table(
    "pickup_bytes",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("page_no", BigInteger, primary_key=True, autoincrement=False),
    Column("part_no", Integer, primary_key=True, autoincrement=False),
    Column("piece_no", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
