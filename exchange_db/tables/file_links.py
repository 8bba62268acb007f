"""Links that go by files, and the streams that came in them (``exchange_db.file_links``)."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from exchange_db.tables.base import METADATA, TIME

#: One row a link that ever went by files. ``exported_sequence`` is the last number of it that was put into a file,
#: ``told`` what the newest file said of the streams that come from there.
file_links = Table(
    "file_links",
    METADATA,
    Column("destination_id", Integer, primary_key=True, autoincrement=False),
    Column("exported_sequence", BigInteger, nullable=False, server_default="0"),
    Column("told", Text, nullable=False, server_default=""),
    Column("exported_time", TIME),
    Column("imported_time", TIME),
    postgresql_with={"fillfactor": "70"},
)

#: One row a stream that ever came in a file: up to where its sender has our verdicts and receipts, and up to which
#: number something is known to be on its way.
file_streams = Table(
    "file_streams",
    METADATA,
    Column("stream_id", Integer, primary_key=True, autoincrement=False),
    Column("answered_sequence", BigInteger, nullable=False, server_default="0"),
    Column("settled_sequence", BigInteger, nullable=False, server_default="0"),
    Column("known_sequence", BigInteger, nullable=False, server_default="0"),
    postgresql_with={"fillfactor": "70"},
)
