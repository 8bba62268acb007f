"""Releases of standards with their documents and drafts, and what live cases say about a code list.

Called by ``hub.standards`` (publishing, pulling, looking up) and ``hub.rpc`` (giving them to those below). Releases
and documents are added and never changed; a digest is a SHA-256 in hex, a time microseconds since 1970.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.cases import CaseState
from exchange_db.records import ComponentState
from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.standards import standard_documents, standard_drafts, standard_releases

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: States in which nothing is done about a case any more.
_ENDED = (CaseState.NOT_ACCEPTED, CaseState.CLOSED, CaseState.VOID)


class NewRelease(NamedTuple):
    """A verified release about to be entered; ``stages`` is (region, time) of each stage."""

    publisher_region: int
    publisher_id: str
    kind: str
    name: str
    version: str
    digest: str
    supersedes: str
    withdraws: str
    is_extension: bool
    published_time: int
    effective_time: int
    stages: list[tuple[str, int]]
    document_digests: list[str]
    manifest: bytes
    signature: bytes
    certificates: bytes
    thumbprint: str
    source_id: str


class Release(NamedTuple):
    """A release as it is held: its place in this hub's list, where it came from and when."""

    number: int
    digest: str
    manifest: bytes
    signature: bytes
    certificates: bytes
    thumbprint: str
    source_id: str
    held_time: datetime


class Summary(NamedTuple):
    """What the list tells of a release."""

    number: int
    digest: str
    publisher_id: str
    kind: str
    name: str
    version: str


class Draft(NamedTuple):
    """What is being prepared; ``manifest`` has no time of publication yet."""

    manifest: bytes
    saved_by: str
    saved_time: datetime


class LiveCases(NamedTuple):
    """Cases on which work goes on, counted."""

    class_key: str
    region: int
    case_count: int


class LiveCase(NamedTuple):
    """One of them."""

    class_key: str
    region: int
    issuer_id: str
    case_no: str


_COLUMNS = [standard_releases.c[name] for name in Release._fields]
_SUMMARY = [standard_releases.c[name] for name in Summary._fields]


def moment(time: int) -> datetime:
    """Returns a time as the ledger keeps it."""
    return _EPOCH + timedelta(microseconds=time)


async def lock(session: WriteSession) -> None:
    """Makes this transaction the only one that enters releases, until it ends."""
    await session.driver.execute("LOCK TABLE standard_releases IN SHARE ROW EXCLUSIVE MODE")


async def newest_version(session: ReadSession, publisher_id: str, kind: str, name: str) -> str:
    """Returns the version that publisher entered last under a kind and name, "" for none."""
    table = standard_releases.c
    statement = (
        select(table.version)
        .where(table.publisher_id == publisher_id, table.kind == kind, table.name == name)
        .order_by(table.number.desc())
        .limit(1)
    )
    return (await session.execute(statement)).scalar() or ""


async def enter(session: WriteSession, release: NewRelease, now: int) -> int:
    """Enters a release behind all others and returns its number; call ``lock`` first."""
    last = (await session.execute(select(func.coalesce(func.max(standard_releases.c.number), 0)))).scalar_one()
    values: dict[str, Any] = release._asdict()
    values |= {name: moment(values[name]) for name in ("published_time", "effective_time")}
    await session.execute(insert(standard_releases).values(**values, number=last + 1, held_time=moment(now)))
    return int(last) + 1


async def has(session: ReadSession, digest: str) -> bool:
    """Tells whether a release is held."""
    found = await session.execute(select(exists().where(standard_releases.c.digest == digest)))
    return bool(found.scalar_one())


async def find(session: ReadSession, digest: str, publishers: Sequence[int] | None = None) -> Release | None:
    """Returns one release, if its publisher's region is among those given."""
    row = (await session.execute(_readable(select(*_COLUMNS), publishers).where(_digest(digest)))).first()
    return Release(*row) if row else None


async def all_releases(session: ReadSession) -> list[Release]:
    """Returns every release held, by number."""
    result = await session.execute(select(*_COLUMNS).order_by(standard_releases.c.number))
    return [Release(*row) for row in result]


async def listing(
    session: ReadSession, after_number: int, publishers: Sequence[int] | None, limit: int
) -> list[Summary]:
    """Returns the releases behind a number whose publishers' regions are among those given, ``None`` for all."""
    statement = _readable(select(*_SUMMARY), publishers).where(standard_releases.c.number > after_number)
    result = await session.execute(statement.order_by(standard_releases.c.number).limit(limit))
    return [Summary(*row) for row in result]


async def newest_number(session: ReadSession, publishers: Sequence[int] | None) -> int:
    """Returns the number of the newest such release, 0 for none."""
    statement = _readable(select(func.coalesce(func.max(standard_releases.c.number), 0)), publishers)
    return int((await session.execute(statement)).scalar_one())


async def digest_at(session: ReadSession, number: int) -> str:
    """Returns the digest of the release with a number, "" when there is none."""
    statement = select(standard_releases.c.digest).where(standard_releases.c.number == number)
    return (await session.execute(statement)).scalar() or ""


async def numbers(session: ReadSession) -> list[tuple[int, int]]:
    """Returns number and publisher's region of every release held, by number."""
    table = standard_releases.c
    result = await session.execute(select(table.number, table.publisher_region).order_by(table.number))
    return [(int(row[0]), int(row[1])) for row in result]


async def store(session: WriteSession, digest: str, content: bytes) -> None:
    """Keeps the bytes of a document, or mends them; the caller has checked the digest."""
    values = {"digest": digest, "size": len(content), "content": content}
    statement = upsert(standard_documents).values(values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["digest"],
            set_={name: statement.excluded[name] for name in ("size", "content")},
            where=standard_documents.c.content != statement.excluded.content,
        )
    )


async def missing(session: ReadSession, digests: Sequence[str]) -> set[str]:
    """Returns which of these documents are not held."""
    result = await session.execute(
        select(standard_documents.c.digest).where(standard_documents.c.digest.in_(list(digests)))
    )
    return set(digests) - {row[0] for row in result}


async def content_of(session: ReadSession, digest: str) -> bytes | None:
    """Returns the bytes of a document."""
    row = (await session.execute(select(standard_documents.c.content).where(_document(digest)))).first()
    return bytes(row[0]) if row else None


async def piece_of(session: ReadSession, digest: str, offset: int, size: int) -> tuple[bytes, int] | None:
    """Returns up to ``size`` bytes of a document behind an offset, and its whole size."""
    columns = func.substring(standard_documents.c.content, offset + 1, size), standard_documents.c.size
    row = (await session.execute(select(*columns).where(_document(digest)))).first()
    return (bytes(row[0]), int(row[1])) if row else None


async def is_document_of(session: ReadSession, digest: str, publishers: Sequence[int] | None) -> bool:
    """Tells whether a document belongs to a release whose publisher's region is among those given."""
    statement = _readable(select(standard_releases.c.number), publishers).where(
        standard_releases.c.document_digests.contains([digest])
    )
    return (await session.execute(statement.limit(1))).first() is not None


async def save_draft(session: WriteSession, kind: str, name: str, draft: Draft) -> None:
    """Keeps a draft in place of an earlier one of the same kind and name."""
    statement = upsert(standard_drafts).values(kind=kind, name=name, **draft._asdict())
    kept = {field: statement.excluded[field] for field in Draft._fields}
    await session.execute(statement.on_conflict_do_update(index_elements=["kind", "name"], set_=kept))


async def find_draft(session: ReadSession, kind: str, name: str) -> Draft | None:
    """Returns the draft of a kind and name."""
    statement = select(*[standard_drafts.c[field] for field in Draft._fields]).where(
        standard_drafts.c.kind == kind, standard_drafts.c.name == name
    )
    row = (await session.execute(statement)).first()
    return Draft(*row) if row else None


async def all_drafts(session: ReadSession) -> list[Draft]:
    """Returns every draft, by kind and name."""
    columns = [standard_drafts.c[field] for field in Draft._fields]
    result = await session.execute(select(*columns).order_by(standard_drafts.c.kind, standard_drafts.c.name))
    return [Draft(*row) for row in result]


async def drop_draft(session: WriteSession, kind: str, name: str) -> None:
    """Forgets a draft that has become a release."""
    await session.execute(delete(standard_drafts).where(standard_drafts.c.kind == kind, standard_drafts.c.name == name))


async def live_cases(session: ReadSession, standard_ref: str) -> list[LiveCases]:
    """Counts the cases on which work goes on, by class and region, whose class is of one standard."""
    cursor = await session.driver.execute(
        "SELECT class_key, region, count(*) FROM cases WHERE state <> ALL(%s) AND starts_with(class_key, %s)"
        " GROUP BY class_key, region ORDER BY class_key, region",
        (list(map(int, _ENDED)), f"{standard_ref}|"),
    )
    return [LiveCases(*row) for row in await cursor.fetchall()]


async def standing_components(session: ReadSession, standard_ref: str) -> list[LiveCases]:
    """Counts the components that are not removed, by class and region, whose class is of one standard."""
    cursor = await session.driver.execute(
        "SELECT standard_ref || '|C|' || class_code, region, count(*) FROM components"
        " WHERE standard_ref = %s AND state <> %s GROUP BY 1, 2 ORDER BY 1, 2",
        (standard_ref, int(ComponentState.REMOVED)),
    )
    return [LiveCases(*row) for row in await cursor.fetchall()]


async def examples_of(session: ReadSession, class_keys: Sequence[str], most: int) -> list[LiveCase]:
    """Names up to ``most`` cases of each class and region on which work goes on, the newest report first."""
    cursor = await session.driver.execute(
        "SELECT class_key, region, issuer_id, case_no FROM (SELECT class_key, region, issuer_id, case_no, row_number()"
        " OVER (PARTITION BY class_key, region ORDER BY reported_time DESC, case_id) AS place FROM cases"
        " WHERE state <> ALL(%s) AND class_key = ANY(%s)) numbered WHERE place <= %s"
        " ORDER BY class_key, region, place",
        (list(map(int, _ENDED)), list(class_keys), most),
    )
    return [LiveCase(*row) for row in await cursor.fetchall()]


def _digest(digest: str) -> Any:
    return standard_releases.c.digest == digest


def _document(digest: str) -> Any:
    return standard_documents.c.digest == digest


def _readable(statement: Any, publishers: Sequence[int] | None) -> Any:
    """Narrows a question about releases to some publishers' regions."""
    statement = statement.select_from(standard_releases)
    return (
        statement if publishers is None else statement.where(standard_releases.c.publisher_region.in_(list(publishers)))
    )
