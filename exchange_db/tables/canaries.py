"""Canaries: what goes over each link and back to show that it works. One row a neighbour, however long it runs."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Table, Text

from exchange_db.tables.base import METADATA, TIME

#: ``is_able`` and ``told_time``: whether the neighbour knows canaries, and when it said so last. ``question_time``
#: names the newest question to it, ``returned_time`` is empty while that is under way; ``last_returned_time`` and
#: ``seconds`` are of the last one that came back. ``asked_time`` names its newest question to us, ``answered_time``
#: the newest of those we have answered.
canaries = Table(
    "canaries",
    METADATA,
    Column("peer_id", Text, primary_key=True),
    Column("is_able", Boolean, nullable=False, server_default="false"),
    Column("told_time", TIME),
    Column("question_time", BigInteger, nullable=False, server_default="0"),
    Column("sent_time", TIME),
    Column("returned_time", TIME),
    Column("last_returned_time", TIME),
    Column("seconds", Float),
    Column("asked_time", BigInteger, nullable=False, server_default="0"),
    Column("answered_time", BigInteger, nullable=False, server_default="0"),
)
