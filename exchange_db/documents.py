"""Documents between platforms: taking in their sections, guarded by revision, reading them, and numbers of one's own.

A document is seen by who issued it and whom it is for: by a reader whose regions hold its issuer or meet those it is
for. Called by ``hub.apply`` (put_content, put_answer) and ``hub.documents``.
"""

from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from exchange_db.document_records import (
    ANSWER,
    CONTENT,
    AnswerState,
    Document,
    DocumentAnswer,
    DocumentContent,
    DocumentKind,
)
from exchange_db.keys import document_key
from exchange_db.records import Violated
from exchange_db.regions import Regions, Subtree, region_of, spans_of, subtree
from exchange_db.session import HotSession, ReadSession, WriteSession

Session = HotSession | ReadSession | WriteSession
_S = TypeVar("_S", DocumentContent, DocumentAnswer)
_TIME = "'1970-01-01Z'::timestamptz + %s * interval '1 microsecond'"


class DocumentRow(Struct, frozen=True):
    """A document as it stands; ``superseded_by_id`` is "" while nothing replaces it. Times are microseconds."""

    document_key: bytes
    issuer_id: str
    document_id: str
    first_issued_time: int
    inbox_id: int
    content: DocumentContent
    answer: DocumentAnswer | None
    superseded_by_id: str

    @property
    def is_open(self) -> bool:
        """Whether an answer is waited for."""
        is_asked = bool(self.content.deadline_time) and not self.content.is_withdrawn and not self.superseded_by_id
        return is_asked and (self.answer is None or self.answer.state is AnswerState.RECEIVED)


class DocumentVersion(NamedTuple):
    """A version of a section that took effect: 5 the content, 6 the answer."""

    section: int
    revision: int
    origin_id: str
    inbox_id: int
    applied_time: datetime


class DocumentFilter(NamedTuple):
    """What a list is narrowed to; ``seen`` ``None`` for all. ``after`` is (first_issued_time, key) of the last row."""

    seen: Regions | None
    region: Subtree | None = None
    kind: DocumentKind | None = None
    is_open: bool = False
    after: tuple[int, bytes] | None = None


def reach_of(content: DocumentContent) -> Subtree:
    """Returns the regions a document is for."""
    if content.addressee_id:
        region = region_of(content.addressee_id)
        return Subtree(region, region)
    return subtree(int(content.region_code))


async def put_content(session: HotSession, document: Document, inbox_id: int) -> bool:
    """Makes a content the one in force if its revision is higher; tells whether it is.

    Raises:
        Violated: DOCUMENT_FIXED, it changes what never changes.
    """
    content = document.content
    assert content is not None  # noqa: S101 — the caller has looked
    home, key = region_of(document.issuer_id), document_key(document.issuer_id, document.document_id).hex()
    cursor = await session.driver.execute(
        "SELECT revision, kind, addressee_id, region, supersedes_id FROM documents"
        " WHERE home_region = %s AND document_key = %s::uuid FOR UPDATE",
        (home, key),
    )
    before = await cursor.fetchone()
    if before is not None:
        if content.revision <= before[0]:
            return False
        now = (int(content.kind), content.addressee_id, int(content.region_code), content.supersedes_id)
        for name, was, said in zip(
            ("kind", "addressee_id", "region_code", "supersedes_id"), before[1:], now, strict=True
        ):
            if was != said:
                raise Violated("DOCUMENT_FIXED", f"document.content.{name}", f"{was} → {said}")
    reach = reach_of(content)
    await session.driver.execute(
        "INSERT INTO documents (home_region, document_key, issuer_id, document_id, kind, addressee_id, region,"  # noqa: S608 — constants
        " first_region, last_region, first_issued_time, revision, inbox_id, number, title, deadline_time,"
        " is_withdrawn, supersedes_id, content)"
        f" VALUES (%s, %s::uuid, %s, %s, %s, %s, %s, %s, %s, {_TIME}, %s, %s, %s, %s, {_TIME}, %s, %s, %s::jsonb)"
        " ON CONFLICT (home_region, document_key) DO UPDATE SET revision = excluded.revision,"
        " inbox_id = excluded.inbox_id, number = excluded.number, title = excluded.title,"
        " deadline_time = excluded.deadline_time, is_withdrawn = excluded.is_withdrawn, content = excluded.content",
        (
            home, key, document.issuer_id, document.document_id, int(content.kind), content.addressee_id,
            int(content.region_code), *reach, content.issued_time, content.revision, inbox_id, content.number,
            content.title, content.deadline_time or None, content.is_withdrawn, content.supersedes_id, _json(content),
        ),
    )  # fmt: skip
    await _note(session, home, key, CONTENT, inbox_id, content.revision, document.issuer_id)
    return True


async def put_answer(session: HotSession, document: Document, inbox_id: int) -> bool:
    """Makes an answer the one in force if its revision is higher; tells whether it is.

    Raises:
        Violated: DOCUMENT_UNKNOWN, SECTION_FORBIDDEN or DOCUMENT_UNANSWERABLE.
    """
    answer = document.answer
    assert answer is not None  # noqa: S101 — the caller has looked
    home, key = region_of(document.issuer_id), document_key(document.issuer_id, document.document_id).hex()
    cursor = await session.driver.execute(
        "SELECT answer_revision, addressee_id, is_withdrawn FROM documents"
        " WHERE home_region = %s AND document_key = %s::uuid FOR UPDATE",
        (home, key),
    )
    before = await cursor.fetchone()
    if before is None:
        raise Violated("DOCUMENT_UNKNOWN", "document.key.document_id", document.document_id)
    revision, addressee_id, is_withdrawn = before
    if not addressee_id or is_withdrawn:
        raise Violated("DOCUMENT_UNANSWERABLE", "document.key.document_id", document.document_id)
    if answer.answerer_id != addressee_id:
        raise Violated("SECTION_FORBIDDEN", "document.answer.answerer_id", addressee_id)
    if answer.revision <= revision:
        return False
    await session.driver.execute(
        "UPDATE documents SET answer_revision = %s, answer_inbox_id = %s, answer_state = %s,"  # noqa: S608 — constants
        f" answered_time = {_TIME}, answer = %s::jsonb WHERE home_region = %s AND document_key = %s::uuid",
        (answer.revision, inbox_id, int(answer.state), answer.answered_time, _json(answer), home, key),
    )
    await _note(session, home, key, ANSWER, inbox_id, answer.revision, answer.answerer_id)
    return True


async def _note(
    session: HotSession, home: int, key: str, section: int, inbox_id: int, revision: int, origin_id: str
) -> None:
    await session.driver.execute(
        "INSERT INTO document_sections (home_region, document_key, section, inbox_id, revision, origin_id)"
        " VALUES (%s, %s::uuid, %s, %s, %s, %s)",
        (home, key, section, inbox_id, revision, origin_id),
    )


def _json(section: DocumentContent | DocumentAnswer) -> str:
    return msgspec.json.encode(asdict(section)).decode()


def _section(text: str, kind: type[_S]) -> _S:
    values = msgspec.json.decode(text)
    # Fields that were added since take what stands for nothing.
    made = kind(**{name: values[name] for name in kind.__struct_fields__ if name in values})
    return msgspec.convert(msgspec.to_builtins(made), kind)


_SUPERSEDED_BY = (
    "(SELECT n.document_id FROM documents n WHERE n.home_region = d.home_region AND n.issuer_id = d.issuer_id"
    " AND n.supersedes_id = d.document_id AND n.supersedes_id <> '' AND NOT n.is_withdrawn"
    " ORDER BY n.first_issued_time DESC LIMIT 1)"
)
_COLUMNS = (
    "d.document_key::text, d.issuer_id, d.document_id, (extract(epoch FROM d.first_issued_time) * 1000000)::bigint,"
    f" d.inbox_id, d.content::text, d.answer::text, coalesce({_SUPERSEDED_BY}, '')"
)


def _row(values: tuple[Any, ...]) -> DocumentRow:
    key, issuer_id, document_id, issued, inbox_id, content, answer, superseded_by = values
    return DocumentRow(
        bytes.fromhex(key.replace("-", "")),
        issuer_id,
        document_id,
        issued,
        inbox_id,
        _section(content, DocumentContent),
        _section(answer, DocumentAnswer) if answer else None,
        superseded_by,
    )


def seen_condition(regions: Regions, values: dict[str, Any], name: str, table: str = "d") -> str:
    """Returns the condition that a document concerns some regions, and adds its values."""
    parts = ["false"]
    for number, span in enumerate(spans_of(regions)):
        first, last = f"{name}_first{number}", f"{name}_last{number}"
        values |= {first: span.first, last: span.last}
        parts.append(
            f"{table}.home_region BETWEEN %({first})s AND %({last})s"
            f" OR ({table}.first_region <= %({last})s AND {table}.last_region >= %({first})s)"
        )
    return f"({' OR '.join(parts)})"


async def find(session: Session, issuer_id: str, document_id: str, seen: Regions | None) -> DocumentRow | None:
    """Returns one document, if it is seen from these regions; ``None`` as regions for whoever sees all."""
    values: dict[str, Any] = {
        "home": region_of(issuer_id),
        "key": document_key(issuer_id, document_id).hex(),
    }
    condition = "" if seen is None else f" AND {seen_condition(seen, values, 'seen')}"
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM documents d"  # noqa: S608 — constants
        f" WHERE d.home_region = %(home)s AND d.document_key = %(key)s::uuid{condition}",
        values,
    )
    row = await cursor.fetchone()
    return _row(row) if row else None


async def listing(session: Session, wanted: DocumentFilter, limit: int) -> list[DocumentRow]:
    """Returns documents, the newest first."""
    values: dict[str, Any] = {}
    conditions = ["true"]
    if wanted.seen is not None:
        conditions.append(seen_condition(wanted.seen, values, "seen"))
    if wanted.region is not None:
        conditions.append(seen_condition(wanted.region, values, "region"))
    if wanted.kind is not None:
        conditions.append("d.kind = %(kind)s")
        values["kind"] = int(wanted.kind)
    if wanted.is_open:
        conditions.append(
            "d.deadline_time IS NOT NULL AND NOT d.is_withdrawn AND d.answer_state IN (0, 1)"
            f" AND {_SUPERSEDED_BY} IS NULL"
        )
    if wanted.after is not None:
        conditions.append(
            "(d.first_issued_time, d.document_key) < ('1970-01-01Z'::timestamptz"
            " + %(after)s * interval '1 microsecond', %(after_key)s::uuid)"
        )
        values |= {"after": wanted.after[0], "after_key": wanted.after[1].hex()}
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM documents d WHERE {' AND '.join(conditions)}"  # noqa: S608 — constants
        f" ORDER BY d.first_issued_time DESC, d.document_key DESC LIMIT {limit:d}",
        values,
    )
    return [_row(row) for row in await cursor.fetchall()]


async def versions(session: Session, issuer_id: str, document_id: str) -> list[DocumentVersion]:
    """Returns the versions of a document that took effect, oldest first."""
    cursor = await session.driver.execute(
        "SELECT section, revision, origin_id, inbox_id, applied_time FROM document_sections"
        " WHERE home_region = %s AND document_key = %s::uuid ORDER BY inbox_id",
        (region_of(issuer_id), document_key(issuer_id, document_id).hex()),
    )
    return [DocumentVersion(*row) for row in await cursor.fetchall()]


async def next_number(session: WriteSession, issuer_id: str, kind: DocumentKind, year: int) -> int:
    """Gives the next number of a series; one that is not used after all leaves a gap when the caller commits."""
    cursor = await session.driver.execute(
        "INSERT INTO document_numbers AS n (issuer_id, kind, year, last_number) VALUES (%s, %s, %s, 1)"
        " ON CONFLICT (issuer_id, kind, year) DO UPDATE SET last_number = n.last_number + 1 RETURNING last_number",
        (issuer_id, int(kind), year),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — RETURNING gives the row
    return int(row[0])
