"""Asking a plan: of the ledger in PostgreSQL, of an archive in DuckDB, or of a Spark cluster that reads its files.

Every engine gets the same expression, in its own SQL. Importing this module imports Ibis and DuckDB:
``hub.questions.desk`` does so with the first question.
"""

from pathlib import Path
from threading import Timer
from typing import Any, Literal

import duckdb
import ibis

from exchange_db.question_facts import FACTS, QuestionTooSlow, Span
from exchange_db.regions import Regions, spans_of
from hub.questions.errors import QuestionInvalid
from hub.questions.expressions import expression
from hub.questions.manifest import Manifest
from hub.questions.planning import Plan
from hub.sections.questions import ArchivePart

_DUCKDB_KINDS = {"text": "VARCHAR", "int": "INTEGER", "bigint": "BIGINT"}
Rows = list[tuple[Any, ...]]
#: Engines the expressions are tested on.
Dialect = Literal["postgres", "duckdb", "pyspark"]


def statement_for(dialect: Dialect, plan: Plan, regions: Regions, most: int) -> str:
    """Returns the plan in an engine's SQL, over the relation ``facts``."""
    return str(ibis.to_sql(expression(plan, regions, most), dialect=dialect, pretty=False))


def files_for(folder: Path, manifest: Manifest, regions: Regions, span: Span | None) -> list[str]:
    """Returns the files that may hold cases of some regions and days."""
    spans = spans_of(regions)
    return [
        str(folder / part.file)
        for part in manifest.parts
        if any(span_.first <= part.city + 99 and part.city <= span_.last for span_ in spans)
        and (span is None or span.time != "reported" or span.first_day // 100 <= part.month <= span.last_day // 100)
    ]


def rows_of_archive(folder: Path, files: list[str], statement: str, *, seconds: float, part: ArchivePart) -> Rows:
    """Asks files of an archive, in DuckDB; blocks until it has answered.

    Args:
        folder: the archive; nothing outside it can be read.
        files: those of its files that hold the relation ``facts``.
        statement: a SELECT over ``facts``.
        seconds: how long it may take.
        part: threads and memory it may use.

    Raises:
        QuestionTooSlow: it takes longer than ``seconds``.
        QuestionInvalid: it takes more memory than the settings give it.
    """
    backend = ibis.duckdb.connect(":memory:", threads=part.threads, memory_limit=f"{part.megabytes}MB")
    timer = Timer(seconds, backend.con.interrupt)
    try:
        backend.raw_sql(_relation(files))
        # From here on it reads the archive and nothing else of this machine.
        backend.raw_sql(f"SET allowed_directories = [{_quoted(f'{folder.resolve()}/')}]")
        backend.raw_sql("SET enable_external_access = false")
        backend.raw_sql("SET lock_configuration = true")
        timer.start()
        return [tuple(row) for row in backend.raw_sql(statement).fetchall()]
    except duckdb.InterruptException:
        raise QuestionTooSlow from None
    except duckdb.OutOfMemoryException:
        raise QuestionInvalid(
            "source",
            f"所需内存超过 archive.megabytes（{part.megabytes} MB），请缩小范围",
            f"it takes more memory than archive.megabytes ({part.megabytes} MB); narrow the question",
        ) from None
    finally:
        timer.cancel()
        backend.disconnect()


def _relation(files: list[str]) -> str:
    if files:
        listed = ", ".join(map(_quoted, files))
        return f"CREATE VIEW facts AS SELECT * FROM read_parquet([{listed}], hive_partitioning = false)"  # noqa: S608
    columns = ", ".join(f"{name} {_DUCKDB_KINDS[kind]}" for name, kind in FACTS.items())
    return f"CREATE TABLE facts ({columns})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
