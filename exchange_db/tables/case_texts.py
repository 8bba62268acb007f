"""What people may search cases by: the words of each case beside the case, and how far the log was read for them.

Kept behind the apply by a job; nothing here changes in the ordinary life of a case, only when its report is corrected.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from exchange_db.tables.base import METADATA, TIME

#: One row a case with a report. ``words`` are number, description and address as anybody is shown them, masked;
#: ``grams`` are its pairs of letters with the month it was reported in (``exchange_db.case_texts``).
case_texts = Table(
    "case_texts",
    METADATA,
    Column("home_region", Integer, primary_key=True, autoincrement=False),
    Column("case_id", Uuid, primary_key=True),
    Column("region", Integer, nullable=False),
    Column("reported_time", TIME, nullable=False),
    Column("words", Text, nullable=False),
    Column("grams", ARRAY(Integer), nullable=False),
    Index("ix_case_texts_grams", "grams", postgresql_using="gin"),
)

#: How far the applied log was read for words, by partition.
case_text_cursors = Table(
    "case_text_cursors",
    METADATA,
    Column("partition", SmallInteger, primary_key=True, autoincrement=False),
    Column("cursor_id", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "50"},
)
