"""Evidence in the ledger: what bytes are held, who has handed in what, which cases name it and what is missing.

Digests are 64 hex digits here and 32 bytes in the tables; times are microseconds since 1970. Called by
``hub.evidence`` and the command line. ``exchange_db.evidence_search`` fills in what cases name.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from exchange_db.attachment_records import AttachmentKind, Offer
from exchange_db.keys import case_key
from exchange_db.regions import Subtree, region_of
from exchange_db.session import HotSession, ReadSession

Session = HotSession | ReadSession

_TIME = "'1970-01-01Z'::timestamptz + %s * interval '1 microsecond'"
_MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::bigint"
#: Cases that a reader may see, as ``exchange_db.cases.find`` has it.
_VISIBLE = (
    '(c.region BETWEEN %(first)s AND %(last)s OR c.handler_id COLLATE "C" BETWEEN %(first_handler)s'
    " AND %(last_handler)s)"
)


#: Documents that concern a reader's regions, as ``exchange_db.documents.find`` has it.
_FOR_READER = (
    "(d.home_region BETWEEN %(first)s AND %(last)s OR (d.first_region <= %(last)s AND d.last_region >= %(first)s))"
)


class Exif(NamedTuple):
    """What a camera wrote into a file: the moment (0 for none), and longitude and latitude as it gave them."""

    captured_time: int = 0
    x: float | None = None
    y: float | None = None


class Stored(NamedTuple):
    """Bytes in the store. ``state`` is ``held`` or ``corrupt``."""

    digest: str
    size_bytes: int
    media_type: str
    sniffed_type: str
    state: str
    first_uploader_id: str
    stored_time: int


class Upload(NamedTuple):
    """Bytes one neighbour hands in, or has handed in."""

    size_bytes: int
    durable_offset: int
    is_done: bool


class Rights(NamedTuple):
    """What a reader has to do with some bytes.

    ``kinds`` are the kinds of evidence they are held as in cases the reader may see, ``is_named`` whether such a case
    names them, and ``is_own`` whether the reader has handed them in.
    """

    kinds: frozenset[int]
    is_named: bool
    is_own: bool


class MissingRef(NamedTuple):
    """Evidence that a case names and whose bytes have not come, or came to harm. ``home_region`` is the issuer's."""

    home_region: int
    case_id: bytes
    section: int
    digest: str
    issuer_id: str
    case_no: str
    kind: AttachmentKind
    size_bytes: int
    media_type: str
    sender_id: str
    found_time: int
    attempt_count: int
    trouble: str
    is_corrupt: bool


class Seen(NamedTuple):
    """How far a list of missing evidence was shown."""

    found_time: int = 0
    digest: str = ""
    case_id: bytes = bytes(16)


async def find(session: Session, digest: str) -> Stored | None:
    """Returns what is known of stored bytes."""
    cursor = await session.driver.execute(
        "SELECT encode(digest, 'hex'), size_bytes, media_type, sniffed_type, state, first_uploader_id,"  # noqa: S608 — constants
        f" {_MICROSECONDS.format('stored_time')} FROM attachments WHERE digest = %s",
        (bytes.fromhex(digest),),
    )
    row = await cursor.fetchone()
    return Stored(*row) if row else None


async def upload_of(session: Session, peer_id: str, digest: str) -> Upload | None:
    """Returns how far a neighbour has handed bytes in."""
    cursor = await session.driver.execute(
        "SELECT size_bytes, durable_offset, is_done FROM attachment_uploads WHERE peer_id = %s AND digest = %s",
        (peer_id, bytes.fromhex(digest)),
    )
    row = await cursor.fetchone()
    return Upload(*row) if row else None


async def unfinished_count(session: Session, peer_id: str) -> int:
    """Returns how many uploads of a neighbour are not done."""
    cursor = await session.driver.execute(
        "SELECT count(*) FROM attachment_uploads WHERE peer_id = %s AND NOT is_done", (peer_id,)
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def note_upload(session: Session, peer_id: str, digest: str, upload: Upload, now: int) -> None:
    """Notes how far an upload is on disk; what is written here is what an upload goes on from."""
    await session.driver.execute(
        "INSERT INTO attachment_uploads (peer_id, digest, size_bytes, durable_offset, is_done, changed_time)"  # noqa: S608 — constants
        f" VALUES (%s, %s, %s, %s, %s, {_TIME}) ON CONFLICT (peer_id, digest) DO UPDATE"
        " SET size_bytes = excluded.size_bytes, durable_offset = excluded.durable_offset,"
        " is_done = excluded.is_done, changed_time = excluded.changed_time",
        (peer_id, bytes.fromhex(digest), *upload, now),
    )


async def forget_upload(session: Session, peer_id: str, digest: str) -> None:
    """Forgets an upload that came to nothing."""
    await session.driver.execute(
        "DELETE FROM attachment_uploads WHERE peer_id = %s AND digest = %s AND NOT is_done",
        (peer_id, bytes.fromhex(digest)),
    )


async def forget_stale_uploads(session: Session, before: int) -> int:
    """Forgets uploads that nobody went on with since a moment; returns how many."""
    cursor = await session.driver.execute(
        f"DELETE FROM attachment_uploads WHERE NOT is_done AND changed_time < {_TIME}",  # noqa: S608 — constant
        (before,),
    )
    return cursor.rowcount


async def store(session: Session, offer: Offer, sniffed_type: str, exif: Exif, uploader_id: str, now: int) -> Stored:
    """Notes that verified bytes are in the store, and that a neighbour has handed them in.

    Bytes that were held before stay as they were noted first; damaged ones are whole again.
    """
    digest = bytes.fromhex(offer.digest)
    await session.driver.execute(
        "INSERT INTO attachments (digest, size_bytes, media_type, sniffed_type, state, first_uploader_id, exif_time,"  # noqa: S608 — constants
        f" exif_x, exif_y, stored_time, last_checked_time)"
        f" VALUES (%s, %s, %s, %s, 'held', %s, {_TIME}, %s, %s, {_TIME}, {_TIME}) ON CONFLICT (digest) DO UPDATE"
        " SET state = 'held', last_checked_time = excluded.last_checked_time WHERE attachments.state = 'corrupt'",
        (
            digest, offer.size_bytes, offer.media_type, sniffed_type, uploader_id, exif.captured_time or None,
            exif.x, exif.y, now, now,
        ),
    )  # fmt: skip
    await note_upload(session, uploader_id, offer.digest, Upload(offer.size_bytes, offer.size_bytes, is_done=True), now)
    stored = await find(session, offer.digest)
    assert stored is not None  # noqa: S101 — written above
    return stored


async def hold(session: Session, offer: Offer, sender_id: str, now: int) -> None:
    """Notes that the bytes of an offer were handed in for its case, whether a section names them already or not."""
    home, case_id = region_of(offer.issuer_id), case_key(offer.issuer_id, offer.case_no).hex()
    digest = bytes.fromhex(offer.digest)
    cursor = await session.driver.execute(
        "UPDATE attachment_refs SET state = 'held', trouble = '', retry_time = NULL"
        " WHERE home_region = %s AND case_id = %s::uuid AND digest = %s",
        (home, case_id, digest),
    )
    if cursor.rowcount:
        return
    await session.driver.execute(
        "INSERT INTO attachment_refs (home_region, case_id, digest, section, issuer_id, case_no, kind, size_bytes,"  # noqa: S608 — constants
        f" media_type, sender_id, state, found_time) VALUES (%s, %s::uuid, %s, 0, %s, %s, %s, %s, %s, %s, 'held',"
        f" {_TIME}) ON CONFLICT DO NOTHING",
        (
            home, case_id, digest, offer.issuer_id, offer.case_no, offer.kind, offer.size_bytes, offer.media_type,
            sender_id, now,
        ),
    )  # fmt: skip


def _bounds(visible: Subtree) -> dict[str, Any]:
    # A platform is named by its region and a point; the slash follows the point.
    return {
        "first": visible.first,
        "last": visible.last,
        "first_handler": f"{visible.first:06d}.",
        "last_handler": f"{visible.last:06d}/",
    }


async def rights(session: Session, digests: list[str], peer_id: str, visible: Subtree) -> dict[str, Rights]:
    """Returns what a reader has to do with some bytes, by digest; nothing for those it has nothing to do with.

    The regions the reader may see are part of the query.
    """
    values = {"digests": [bytes.fromhex(digest) for digest in digests], "peer": peer_id, **_bounds(visible)}
    cursor = await session.driver.execute(
        "SELECT encode(r.digest, 'hex'), array_agg(DISTINCT r.kind) FILTER (WHERE r.state = 'held')"  # noqa: S608 — constants
        " FROM attachment_refs r WHERE r.digest = ANY(%(digests)s) AND (EXISTS (SELECT FROM cases c"
        f" WHERE c.home_region = r.home_region AND c.case_id = r.case_id AND {_VISIBLE})"
        f" OR EXISTS (SELECT FROM documents d WHERE d.home_region = r.home_region AND d.document_key = r.case_id"
        f" AND {_FOR_READER})) GROUP BY r.digest",
        values,
    )
    named = {row[0]: frozenset(row[1] or ()) for row in await cursor.fetchall()}
    cursor = await session.driver.execute(
        "SELECT encode(digest, 'hex') FROM attachment_uploads"
        " WHERE peer_id = %(peer)s AND digest = ANY(%(digests)s) AND is_done",
        values,
    )
    own = {row[0] for row in await cursor.fetchall()}
    return {
        digest: Rights(named.get(digest, frozenset()), digest in named, digest in own) for digest in own | named.keys()
    }


_REF_COLUMNS = (
    "r.home_region, uuid_send(r.case_id), r.section, encode(r.digest, 'hex'), r.issuer_id, r.case_no, r.kind,"
    f" r.size_bytes, r.media_type, r.sender_id, {_MICROSECONDS.format('r.found_time')}, r.attempt_count, r.trouble"
)


async def missing(
    session: Session,
    limit: int,
    *,
    visible: Subtree | None = None,
    due_time: int | None = None,
    asked: Collection[tuple[str, int]] | None = None,
) -> list[MissingRef]:
    """Returns evidence whose bytes have not come or came to harm, the longest missing first.

    Args:
        session: any session.
        limit: most rows.
        visible: issuers' regions; ``None`` for all.
        due_time: leave out what is to be tried only after this moment; ``None`` for all.
        asked: only what came from these senders and is of these kinds; ``None`` for all.
    """
    values: dict[str, Any] = {"limit": limit, "due": due_time}
    condition = ""
    if visible is not None:
        condition += " AND r.home_region BETWEEN %(first)s AND %(last)s"
        values |= {"first": visible.first, "last": visible.last}
    if due_time is not None:
        condition += (
            " AND (r.retry_time IS NULL OR r.retry_time <= '1970-01-01Z'::timestamptz"
            " + %(due)s * interval '1 microsecond')"
        )
    if asked is not None:
        condition += " AND (r.sender_id, r.kind) IN (SELECT * FROM unnest(%(senders)s::text[], %(kinds)s::smallint[]))"
        values |= {"senders": [sender for sender, _ in asked], "kinds": [int(kind) for _, kind in asked]}
    cursor = await session.driver.execute(
        f"(SELECT {_REF_COLUMNS}, false FROM attachment_refs r WHERE r.state = 'missing'{condition}"  # noqa: S608 — constants
        " ORDER BY r.found_time LIMIT %(limit)s) UNION ALL"
        f" (SELECT {_REF_COLUMNS}, true FROM attachments a JOIN attachment_refs r USING (digest)"
        f" WHERE a.state = 'corrupt' AND r.state = 'held'{condition} ORDER BY r.found_time LIMIT %(limit)s)"
        " ORDER BY 11 LIMIT %(limit)s",
        values,
    )
    return [MissingRef._make((*row[:6], AttachmentKind(row[6]), *row[7:])) for row in await cursor.fetchall()]


async def not_held(session: Session, issuer_id: str, case_no: str) -> list[MissingRef]:
    """Returns the evidence of one case that is not held here, wherever it is."""
    cursor = await session.driver.execute(
        f"SELECT {_REF_COLUMNS}, coalesce(a.state = 'corrupt', false) FROM attachment_refs r"  # noqa: S608 — constants
        " LEFT JOIN attachments a USING (digest) WHERE r.home_region = %s AND r.case_id = %s::uuid"
        " AND (r.state <> 'held' OR a.state = 'corrupt') ORDER BY r.section, r.digest",
        (region_of(issuer_id), case_key(issuer_id, case_no).hex()),
    )
    return [MissingRef._make((*row[:6], AttachmentKind(row[6]), *row[7:])) for row in await cursor.fetchall()]


async def wanted(session: Session, sender_id: str, kinds: Collection[int], after: Seen, limit: int) -> list[MissingRef]:
    """Returns what is missing of the evidence that sections of a neighbour name, the longest missing first.

    Args:
        session: any session.
        sender_id: the neighbour.
        kinds: kinds of evidence.
        after: the last row seen.
        limit: most rows.
    """
    condition = (
        " AND r.sender_id = %(sender)s AND r.kind = ANY(%(kinds)s) AND (r.found_time, r.digest, r.case_id) >"
        " ('1970-01-01Z'::timestamptz + %(time)s * interval '1 microsecond', %(digest)s, %(case_id)s::uuid)"
    )
    order = "ORDER BY r.found_time, r.digest, r.case_id LIMIT %(limit)s"
    cursor = await session.driver.execute(
        f"(SELECT {_REF_COLUMNS}, false FROM attachment_refs r WHERE r.state = 'missing'{condition}"  # noqa: S608 — constants
        f" {order}) UNION ALL"
        f" (SELECT {_REF_COLUMNS}, true FROM attachments a JOIN attachment_refs r USING (digest)"
        f" WHERE a.state = 'corrupt' AND r.state = 'held'{condition} {order})"
        " ORDER BY 11, 4, 2 LIMIT %(limit)s",
        {
            "sender": sender_id,
            "kinds": list(map(int, kinds)),
            "time": after.found_time,
            "digest": bytes.fromhex(after.digest),
            "case_id": after.case_id.hex(),
            "limit": limit,
        },
    )
    return [MissingRef._make((*row[:6], AttachmentKind(row[6]), *row[7:])) for row in await cursor.fetchall()]


async def note_failure(session: Session, ref: MissingRef, trouble: str, retry_time: int) -> None:
    """Notes why evidence could not be fetched, and when to try again."""
    await session.driver.execute(
        "UPDATE attachment_refs SET attempt_count = attempt_count + 1, trouble = %s,"  # noqa: S608 — constants
        f" retry_time = {_TIME} WHERE home_region = %s AND case_id = %s::uuid AND digest = %s",
        (trouble[:400], retry_time, ref.home_region, ref.case_id.hex(), bytes.fromhex(ref.digest)),
    )


async def due_for_check(session: Session, before: int, limit: int) -> list[Stored]:
    """Returns held bytes that were not checked since a moment, the longest unchecked first."""
    cursor = await session.driver.execute(
        "SELECT encode(digest, 'hex'), size_bytes, media_type, sniffed_type, state, first_uploader_id,"  # noqa: S608 — constants
        f" {_MICROSECONDS.format('stored_time')} FROM attachments"
        f" WHERE state = 'held' AND last_checked_time < {_TIME} ORDER BY last_checked_time LIMIT %s",
        (before, limit),
    )
    return [Stored(*row) for row in await cursor.fetchall()]


async def note_check(session: Session, digest: str, state: str, now: int) -> None:
    """Notes how a check of stored bytes came out: ``held`` or ``corrupt``."""
    await session.driver.execute(
        f"UPDATE attachments SET state = %s, last_checked_time = {_TIME} WHERE digest = %s",  # noqa: S608 — constant
        (state, now, bytes.fromhex(digest)),
    )


async def counts(session: Session) -> tuple[int, int, int, int]:
    """Returns how many attachments are held, how many bytes that is, and how many are corrupt and missing."""
    cursor = await session.driver.execute(
        "SELECT count(*) FILTER (WHERE state = 'held'), coalesce(sum(size_bytes) FILTER (WHERE state = 'held'),"
        " 0)::bigint, count(*) FILTER (WHERE state = 'corrupt'),"
        " (SELECT count(*) FROM attachment_refs WHERE state = 'missing') FROM attachments"
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 — counting always gives a row
    return (int(row[0]), int(row[1]), int(row[2]), int(row[3]))
