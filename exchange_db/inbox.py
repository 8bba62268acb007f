"""The log: appending batches of streams, answering repeats with the first answer, reading on for apply.

An append is one transaction under the row lock of ``inbox_head``, so ids are in commit order and a cursor that has
passed an id has missed nothing before it. An id is ``months since 2000 << 40 | number``; the month picks the table.
Called by ``hub.intake`` (append) and ``hub.apply`` (fetch_runs).
"""

from struct import Struct as Packing
from typing import NamedTuple

from msgspec import Struct

from exchange_db import months, originals, pickups
from exchange_db.bulk import CopyTarget, as_array, copy_rows
from exchange_db.keys import PARTITION_COUNT
from exchange_db.peer_certificates import WELCOME
from exchange_db.records import Violated, Violation
from exchange_db.seal_records import KeptSeal
from exchange_db.session import POSTGRES_EPOCH, HotSession, WriteSession

Session = HotSession | WriteSession

_INBOX = CopyTarget.of(
    "inbox",
    (
        "partition", "inbox_id", "received_time", "stream_id", "sequence",
        "message_key", "record_kind", "record_key", "region", "facts", "payload",
    ),
)  # fmt: skip
_INBOX_ROW = Packing(">h ih iq iq ii iq i16s ih i16s ii i")
_LENGTH = Packing(">i")
_KEYS = CopyTarget.of("inbox_keys", ("message_key", "stream_id", "sequence", "partition", "inbox_id"))
_KEYS_ROW = Packing(">h i16s ii iq ih iq")


class Entry(Struct, frozen=True, gc=False):
    """A record that passed the contract check and is to be appended.

    ``facts`` are those of a case (see ``exchange_db.facts``), ``None`` for other records.
    """

    message_key: bytes
    kind: int
    record_key: bytes
    region: int
    facts: bytes | None
    payload: bytes


class Refusal(NamedTuple):
    """A record that did not pass; it uses up its number and is kept in quarantine."""

    violation: Violation
    origin_id: str
    payload: bytes


class Arrival(NamedTuple):
    """A batch of one stream, from ``first_sequence`` on without gap; 0 stands for whatever number is next.

    ``pickup`` is what picked-up rows leave besides; with it, all of the arrival is new, or out of order. ``seals``
    are kept by who appends.
    """

    stream_id: int
    sender_id: str
    thumbprint: str
    first_sequence: int
    items: list[Entry | Refusal]
    pickup: pickups.Pickup | None = None
    seals: tuple[KeptSeal, ...] = ()


class Answer(NamedTuple):
    """What became of an arrival.

    ``outcomes`` has one letter an item, in order: ``D`` durable now, ``R`` refused, ``U`` duplicate, ``O`` out of
    order. ``violations`` maps an item's index to why it was refused. ``is_blocked`` means the sender is no longer
    welcome and nothing was taken.
    """

    outcomes: str
    violations: dict[int, Violation]
    next_sequence: int
    is_blocked: bool = False


class Stream(NamedTuple):
    """A stream and the last number settled in it."""

    stream_id: int
    last_sequence: int


class InboxRow(Struct, frozen=True, gc=False):
    """A record that waits for apply; its payload is asked for with ``payloads``."""

    partition: int
    inbox_id: int
    stream_id: int
    sequence: int
    record_key: bytes
    facts: bytes | None


async def open_stream(session: Session, sender_id: str, name: str) -> Stream:
    """Returns the stream of that name, made on first use."""
    for statement in (
        "SELECT stream_id, last_sequence FROM streams WHERE sender_id = %s AND name = %s",
        (
            "INSERT INTO streams (sender_id, name) VALUES (%s, %s)"
            " ON CONFLICT (sender_id, name) DO UPDATE SET name = excluded.name RETURNING stream_id, last_sequence"
        ),
    ):
        cursor = await session.driver.execute(statement, (sender_id, name))
        row = await cursor.fetchone()
        if row is not None:
            return Stream(*row)
    raise AssertionError("INSERT … RETURNING gives the row")


class Locked(NamedTuple):
    """The head of the log and some streams, locked until the transaction ends.

    ``streams`` maps a stream to (head, stream_id, last_sequence, thumbprints that are welcome) as they stand.
    """

    last_inbox_id: int
    streams: dict[int, tuple[int, int, int, list[str] | None]]


async def lock(session: Session, arrivals: list[Arrival]) -> Locked:
    """Takes the lock under which ids are given; whoever asked first gets it first."""
    cursor = await session.driver.execute(
        f"SELECT h.last_inbox_id, s.stream_id, s.last_sequence, CASE WHEN p.peer_id IS NOT NULL THEN {WELCOME} END"  # noqa: S608
        " FROM inbox_head h CROSS JOIN streams s LEFT JOIN peers p ON p.peer_id = s.sender_id"
        " WHERE s.stream_id = ANY(%s) ORDER BY s.stream_id FOR UPDATE OF h, s",
        (sorted({arrival.stream_id for arrival in arrivals}),),
    )
    rows = await cursor.fetchall()
    return Locked(rows[0][0], {row[1]: row for row in rows})


async def append(
    session: Session, arrivals: list[Arrival], now: int, *, is_careful: bool = False, locked: Locked | None = None
) -> list[Answer]:
    """Appends all arrivals in order and returns their answers; the caller commits.

    Args:
        session: the transaction.
        arrivals: batches, at most some thousands of records together; several of one stream in their order.
        now: the hub's clock, microseconds since 1970.
        is_careful: look for messages that are known under another number first. Without it a known message raises.
        locked: what ``lock`` gave in this transaction, if it was called already.

    Raises:
        psycopg.errors.UniqueViolation: a message is known already; call again, carefully, in a new transaction.
    """
    if locked is None:
        locked = await lock(session, arrivals)
    found = locked.streams
    inbox_id = max(locked.last_inbox_id, months.first_id(now))
    items = [item for arrival in arrivals for item in arrival.items] if is_careful else []
    known = await _known_messages(session, items) if is_careful else _NOTHING_KNOWN

    writer = _Writer(session, inbox_id, now, known, {key: row[2] for key, row in found.items()})
    answers = []
    for arrival in arrivals:
        welcome = found[arrival.stream_id][3]
        if welcome is not None and arrival.thumbprint not in welcome:
            answers.append(Answer("", {}, 0, is_blocked=True))
        else:
            answers.append(await writer.take(arrival))
    await writer.flush()
    return answers


class _Writer:
    """Collects the rows of one append, then writes them."""

    def __init__(
        self,
        session: Session,
        inbox_id: int,
        now: int,
        known: dict[bytes, bytes],
        last_sequences: dict[int, int],
    ) -> None:
        self._session = session
        self._inbox_id = inbox_id
        self._now = now
        self._known = known
        self._last = last_sequences
        self._rows: list[bytes] = []
        self._keys: list[bytes] = []
        self._refused: list[tuple[Arrival, int, Refusal]] = []
        self._repeated: list[tuple[int, int, str]] = []
        self._tally: dict[int, list[int]] = {}
        self._pickups: list[tuple[int, int, pickups.Pickup, dict[int, Violation]]] = []

    async def take(self, arrival: Arrival) -> Answer:
        """Decides every item of one arrival and packs what is new."""
        expected = self._last[arrival.stream_id] + 1
        if arrival.first_sequence == 0:
            arrival = arrival._replace(first_sequence=expected)
        if arrival.first_sequence > expected or (arrival.pickup is not None and arrival.first_sequence != expected):
            return Answer("O" * len(arrival.items), {}, expected)
        repeats = min(expected - arrival.first_sequence, len(arrival.items))
        outcomes = ["D"] * len(arrival.items)
        violations: dict[int, Violation] = {}
        if repeats:
            await self._answer_repeats(arrival, repeats, outcomes, violations)
        if repeats < len(arrival.items):
            self._take_new(arrival, repeats, outcomes, violations)
        if arrival.pickup is not None:
            self._pickups.append((arrival.stream_id, expected, arrival.pickup, violations))
        return Answer("".join(outcomes), violations, self._last[arrival.stream_id] + 1)

    def _take_new(self, arrival: Arrival, first: int, outcomes: list[str], violations: dict[int, Violation]) -> None:
        stream_id = arrival.stream_id
        tally = self._tally.setdefault(stream_id, [0, 0, 0])
        received_time = self._now - POSTGRES_EPOCH
        pack_row, pack_key, pack_length = _INBOX_ROW.pack, _KEYS_ROW.pack, _LENGTH.pack
        add_row, add_key = self._rows.append, self._keys.append
        known, is_careful = self._known, self._known is not _NOTHING_KNOWN
        inbox_id = self._inbox_id
        begun = len(self._rows)
        for sequence, item in enumerate(arrival.items[first:], arrival.first_sequence + first):
            if is_careful and isinstance(item, Entry) and item.message_key in known:
                if known[item.message_key] == item.payload:
                    outcomes[sequence - arrival.first_sequence] = "U"
                    self._repeated.append((stream_id, sequence, item.message_key.hex()))
                    tally[2] += 1
                    continue
                item = Refusal(  # noqa: PLW2901 — from here on it is refused
                    Violated("MESSAGE_ID_REUSED", "message_id").violation, "", item.payload
                )
            if isinstance(item, Refusal):
                outcomes[sequence - arrival.first_sequence] = "R"
                violations[sequence - arrival.first_sequence] = item.violation
                self._refused.append((arrival, sequence, item))
                tally[1] += 1
                continue
            message_key, record_key, payload, facts = item.message_key, item.record_key, item.payload, item.facts
            if is_careful:
                known[message_key] = payload
            partition = record_key[0] % PARTITION_COUNT
            inbox_id += 1
            add_row(
                pack_row(
                    11, 2, partition, 8, inbox_id, 8, received_time, 4, stream_id, 8, sequence,
                    16, message_key, 2, item.kind, 16, record_key, 4, item.region, -1 if facts is None else len(facts),
                )
                + (facts or b"")
                + pack_length(len(payload))
                + payload
            )  # fmt: skip
            add_key(pack_key(5, 16, message_key, 4, stream_id, 8, sequence, 2, partition, 8, inbox_id))
        tally[0] += len(self._rows) - begun
        self._inbox_id = inbox_id
        self._last[stream_id] = arrival.first_sequence + len(arrival.items) - 1

    async def _answer_repeats(
        self, arrival: Arrival, count: int, outcomes: list[str], violations: dict[int, Violation]
    ) -> None:
        await self.flush()
        first, last = arrival.first_sequence, arrival.first_sequence + count - 1
        stored = await self._session.driver.execute(
            "SELECT k.sequence, i.payload FROM inbox_keys k JOIN inbox i USING (partition, inbox_id)"
            " WHERE k.stream_id = %s AND k.sequence BETWEEN %s AND %s",
            (arrival.stream_id, first, last),
            binary=True,
        )
        payloads = dict(await stored.fetchall())
        refused = await self._session.driver.execute(
            "SELECT sequence, payload, reason, field_path, message, message_zh FROM quarantine"
            " WHERE stage = 'intake' AND stream_id = %s AND sequence BETWEEN %s AND %s",
            (arrival.stream_id, first, last),
            binary=True,
        )
        refusals = {row[0]: row[1:] for row in await refused.fetchall()}
        # A number that left no row was a duplicate's; its content is found under the number it first came with.
        bare = [arrival.items[n] for n in range(count) if first + n not in payloads and first + n not in refusals]
        elsewhere = await _known_messages(self._session, bare) if bare else _NOTHING_KNOWN
        for index in range(count):
            sequence, item = first + index, arrival.items[index]
            payload = item.payload
            if sequence not in payloads and isinstance(item, Entry) and item.message_key in elsewhere:
                payloads[sequence] = elsewhere[item.message_key]
            answer = refusals.get(sequence)
            if answer is not None and answer[0] == payload:
                outcomes[index] = "R"
                violations[index] = Violation(*answer[1:])
            elif answer is not None or payloads.get(sequence) != payload:
                outcomes[index] = "R"
                violations[index] = Violated("SEQUENCE_REUSED", "first_sequence").violation
            else:
                outcomes[index] = "U"

    async def flush(self) -> None:
        """Writes what was collected so far."""
        driver = self._session.driver
        await copy_rows(driver, _INBOX, self._rows)
        await copy_rows(driver, _KEYS, self._keys)
        if self._refused:
            async with driver.cursor() as cursor:
                await cursor.executemany(
                    "INSERT INTO quarantine (stage, stream_id, sequence, peer_id, origin_id, reason, field_path,"
                    " message, message_zh, payload) VALUES ('intake', %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    [
                        (
                            arrival.stream_id, sequence, arrival.sender_id, item.origin_id, item.violation.reason,
                            item.violation.field_path, item.violation.message, item.violation.message_zh,
                            item.payload,
                        )
                        for arrival, sequence, item in self._refused
                    ],
                )  # fmt: skip
        if self._repeated:
            async with driver.cursor() as cursor:
                await cursor.executemany(_SETTLE_REPEATED, self._repeated)
        if self._tally:
            streams = list(self._tally)
            await driver.execute(
                "WITH head AS (UPDATE inbox_head SET last_inbox_id = %s)"
                " UPDATE streams s SET last_sequence = v.last_sequence, last_time = now(),"
                " accepted_count = accepted_count + v.accepted, refused_count = refused_count + v.refused,"
                " duplicate_count = duplicate_count + v.duplicate"
                " FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])"
                " v(stream_id, last_sequence, accepted, refused, duplicate) WHERE s.stream_id = v.stream_id",
                (
                    self._inbox_id,
                    as_array(streams),
                    as_array(self._last[stream] for stream in streams),
                    *(as_array(self._tally[stream][column] for stream in streams) for column in range(3)),
                ),
            )
        for stream_id, first_sequence, pickup, violations in self._pickups:
            await pickups.note(self._session, stream_id, first_sequence, pickup, violations)
        self._rows, self._keys, self._refused, self._repeated, self._tally = [], [], [], [], {}
        self._pickups = []


_NOTHING_KNOWN: dict[bytes, bytes] = {}
#: A repeat changes nothing (3), unless the message is held in quarantine since it first came (4).
_SETTLE_REPEATED = (
    "INSERT INTO receipt_exceptions (stream_id, sequence, state, reason, field_path, message, message_zh,"
    " settled_time)"
    " SELECT r.stream_id, r.sequence, CASE WHEN q.reason IS NULL THEN 3 ELSE 4 END, coalesce(q.reason, ''),"
    " coalesce(q.field_path, ''), coalesce(q.message, ''), coalesce(q.message_zh, ''), now()"
    " FROM (VALUES (%s::int, %s::bigint, %s::uuid)) r(stream_id, sequence, message_key)"
    " LEFT JOIN inbox_keys k ON k.message_key = r.message_key"
    " LEFT JOIN quarantine q ON q.stream_id = k.stream_id AND q.sequence = k.sequence AND q.stage = 'apply'"
    " AND q.resolution = 'open'"
)


async def _known_messages(session: Session, items: list[Entry | Refusal]) -> dict[bytes, bytes]:
    keys = [item.message_key for item in items if isinstance(item, Entry)]
    cursor = await session.driver.execute(
        "SELECT k.message_key::text, i.payload FROM inbox_keys k JOIN inbox i USING (partition, inbox_id)"
        " WHERE k.message_key = ANY(%s::uuid[])",
        ([key.hex() for key in keys],),
        binary=True,
    )
    known = {bytes.fromhex(key.replace("-", "")): payload for key, payload in await cursor.fetchall()}
    await originals.put_in_place(session, (item for item in items if isinstance(item, Entry)), known)
    return known


async def fetch_runs(session: HotSession, cursors: dict[int, int], limit: int) -> list[InboxRow]:
    """Returns the next rows behind each partition's cursor, in order inside a partition.

    Args:
        session: any transaction or an idle connection.
        cursors: partition to the last id applied.
        limit: most rows of one partition.
    """
    cursor = await session.driver.execute(
        "SELECT c.partition, i.inbox_id, i.stream_id, i.sequence, uuid_send(i.record_key), i.facts"
        " FROM unnest(%s::smallint[], %s::bigint[]) c(partition, cursor_id) CROSS JOIN LATERAL ("
        " SELECT * FROM inbox WHERE inbox.partition = c.partition AND inbox.inbox_id > c.cursor_id"
        " ORDER BY inbox.inbox_id LIMIT %s) i",
        (as_array(cursors), as_array(cursors.values()), limit),
        binary=True,
    )
    return [InboxRow(*row) for row in await cursor.fetchall()]


async def payloads(session: HotSession, rows: list[InboxRow]) -> dict[int, bytes]:
    """Returns the bytes of some records as they came, by inbox id."""
    if not rows:
        return {}
    cursor = await session.driver.execute(
        "SELECT i.inbox_id, i.payload FROM unnest(%s::smallint[], %s::bigint[]) r(partition, inbox_id)"
        " JOIN inbox i USING (partition, inbox_id)",
        (as_array(row.partition for row in rows), as_array(row.inbox_id for row in rows)),
        binary=True,
    )
    return dict(await cursor.fetchall())
