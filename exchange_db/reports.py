"""Reports and letters in the ledger: keeping a version with its files, finding the last one, listing, fetching.

Called by ``hub.reports``. Times are aware UTC.
"""

import hashlib
import json
from datetime import datetime
from typing import Any, NamedTuple

from exchange_db.regions import Regions, spans_of
from exchange_db.session import ReadSession, WriteSession


class ReportKey(NamedTuple):
    """Which report, without its version; ``span`` as 2020-06, ``subject`` empty or what else it is about."""

    region: int
    kind: str
    span: str
    subject: str


class ReportRun(NamedTuple):
    """A version of a report; ``formats`` are those of its files, ``data`` what stands in it."""

    region: int
    kind: str
    span: str
    subject: str
    version: int
    title: str
    number: str
    made_by: str
    made_time: datetime
    data_digest: bytes
    template_digest: bytes
    document_id: str
    formats: tuple[str, ...] = ()

    @property
    def key(self) -> ReportKey:
        """Which report it is a version of."""
        return ReportKey(self.region, self.kind, self.span, self.subject)


class ReportFile(NamedTuple):
    """A file of a version; ``digest`` is the SHA-256 of its content."""

    version: int
    format: str
    digest: bytes
    content: bytes


_COLUMNS = ", ".join(f"r.{name}" for name in ReportRun._fields[:-1])
_FORMATS = (
    "ARRAY(SELECT f.format FROM report_files f WHERE (f.region, f.kind, f.span, f.subject, f.version)"
    " = (r.region, r.kind, r.span, r.subject, r.version) ORDER BY f.format) AS formats"
)
_SELECT = f"SELECT {_COLUMNS}, {_FORMATS} FROM report_runs r"  # noqa: S608 — constants
_IS_KEY = "r.region = %s AND r.kind = %s AND r.span = %s AND r.subject = %s"


async def hold(session: WriteSession, key: ReportKey) -> None:
    """Lets others that make the same report wait until the transaction ends."""
    await session.driver.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7301))", ("/".join(map(str, key)),))


async def keep(session: WriteSession, run: ReportRun, data: Any, files: dict[str, bytes]) -> None:
    """Keeps a version with what it says and its files by format."""
    await session.driver.execute(
        "INSERT INTO report_runs (region, kind, span, subject, version, title, number, made_by, made_time,"
        " data_digest, template_digest, document_id, data)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb)",
        (*run[:-1], json.dumps(data, ensure_ascii=False)),
    )
    for name, content in files.items():
        await session.driver.execute(
            "INSERT INTO report_files (region, kind, span, subject, version, format, digest, size_bytes, content)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (*run.key, run.version, name, hashlib.sha256(content).digest(), len(content), content),
        )


async def last(session: ReadSession, key: ReportKey, version: int = 0) -> ReportRun | None:
    """Returns a version of a report; of 0 the newest."""
    cursor = await session.driver.execute(
        f"{_SELECT} WHERE {_IS_KEY} AND %s IN (0, r.version) ORDER BY r.version DESC LIMIT 1", (*key, version)
    )
    row = await cursor.fetchone()
    return _run(row) if row else None


async def versions(session: ReadSession, key: ReportKey) -> list[ReportRun]:
    """Returns every version of a report, newest first."""
    cursor = await session.driver.execute(f"{_SELECT} WHERE {_IS_KEY} ORDER BY r.version DESC", key)
    return [_run(row) for row in await cursor.fetchall()]


async def data_of(session: ReadSession, run: ReportRun) -> Any:
    """Returns what stands in a version."""
    cursor = await session.driver.execute(
        f"SELECT r.data FROM report_runs r WHERE {_IS_KEY} AND r.version = %s",  # noqa: S608 — constants
        (*run.key, run.version),
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def file_of(session: ReadSession, run: ReportRun, name: str) -> ReportFile | None:
    """Returns a file of a version."""
    cursor = await session.driver.execute(
        "SELECT r.version, r.format, r.digest, r.content FROM report_files r"  # noqa: S608 — constants
        f" WHERE {_IS_KEY} AND r.version = %s AND r.format = %s",
        (*run.key, run.version, name),
    )
    row = await cursor.fetchone()
    return ReportFile(*row) if row else None


async def recent(
    session: ReadSession, regions: Regions, limit: int, *, kind: str = "", is_every_version: bool = False
) -> list[ReportRun]:
    """Returns what was made last about regions, newest first; of each report the newest version, or every one."""
    spans = spans_of(regions)
    cursor = await session.driver.execute(
        f"SELECT * FROM ({_SELECT} WHERE EXISTS (SELECT 1 FROM unnest(%(firsts)s::int[], %(lasts)s::int[])"  # noqa: S608 — constants
        " AS s (first, last) WHERE r.region BETWEEN s.first AND s.last) AND %(kind)s IN ('', r.kind)"
        " AND (%(every)s OR NOT EXISTS (SELECT 1 FROM report_runs n WHERE (n.region, n.kind, n.span, n.subject)"
        " = (r.region, r.kind, r.span, r.subject) AND n.version > r.version))) found"
        " ORDER BY made_time DESC, region, kind, span, subject, version DESC LIMIT %(limit)s",
        {
            "firsts": [one.first for one in spans],
            "lasts": [one.last for one in spans],
            "kind": kind,
            "every": is_every_version,
            "limit": limit,
        },
    )
    return [_run(row) for row in await cursor.fetchall()]


async def numbers_given(session: ReadSession, region: int, kinds: tuple[str, ...], year: int) -> int:
    """Returns how many reports of some kinds were made about a region's spans of a year; versions count once."""
    cursor = await session.driver.execute(
        "SELECT count(DISTINCT (kind, span, subject)) FROM report_runs"
        " WHERE region = %s AND kind = ANY(%s) AND span LIKE %s",
        (region, list(kinds), f"{year:04d}%"),
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def note_sent(session: WriteSession, run: ReportRun, document_id: str) -> None:
    """Notes the document a version was sent as."""
    await session.driver.execute(
        f"UPDATE report_runs r SET document_id = %s WHERE {_IS_KEY} AND r.version = %s",  # noqa: S608 — constants
        (document_id, *run.key, run.version),
    )


def _run(row: tuple[Any, ...]) -> ReportRun:
    return ReportRun(*(*row[:-1], tuple(row[-1])))
