"""Comparing one table of a partner's database: from sums of the whole table down to rows, each with its cause."""

from collections.abc import Awaitable, Callable, Iterator
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from connectors.reconciliation import BalancedTable, Cause, Found
from exchange_db import partner_rows, pickup_pages, pickups
from exchange_db.intermediate import schema
from exchange_db.intermediate.partner import Partner, Row
from exchange_db.intermediate.reading import refilling
from exchange_db.intermediate.reading.digests import DigestReader, KeyedDigest, Sum
from exchange_db.marks import Mark
from exchange_db.partner_rows import Known, Seen
from exchange_db.peers import Peer
from exchange_db.records import RecordKind
from hub.clock import Clock
from hub.intermediate.judging import ComparedTable, RowJudge
from hub.intermediate.translation import key_text

#: Rows of the partner's that are looked at together, about.
_ROWS_AT_ONCE = 200_000
#: Differences of one table that are told one by one; there may be more.
_MOST_DIFFERENCES = 10_000
_DAY = 86_400_000_000


class Kept(Struct, frozen=True):
    """How a table was found when both sides agreed: the engine's stamp of it, and (rows, hash) of both directions."""

    stamp: str
    sent: tuple[int, str]
    received: tuple[int, str]


class Difference(NamedTuple):
    """A row that is not the same: ``row`` as it stands at the partner, ``known`` as the ledger has it.

    ``revision`` is the one a row of the partner's would be read with.
    """

    key: str
    cause: Cause
    is_sent: bool
    row: KeyedDigest | None = None
    known: Known | None = None
    revision: int = 0


class TableComparison:
    """Compares one table.

    Args:
        driver: to the ledger.
        partner: a connection of the caller's own.
        peer: the partner.
        table: the table.
        clock: the hub's clock.
        keep_days: how long rows the hub wrote are kept there, 0 for ever.
        settle: has everything noted that was written up to now.
    """

    def __init__(
        self,
        driver: AsyncConnection[Row],
        partner: Partner,
        peer: Peer,
        table: ComparedTable,
        clock: Clock,
        keep_days: int,
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._driver = driver
        self._partner = partner
        self._peer = peer
        self.table = table
        self._clock = clock
        self._keep_days = keep_days
        self._settle = settle
        self._source = f"balance/{table.name}"
        self.judge = RowJudge(driver, partner, peer.peer_id, table)
        self._stamp: str | None = None

    async def unchanged(self) -> list[BalancedTable]:
        """Returns what the last comparison showed, if nothing was written on either side since; else nothing."""
        self._stamp = await DigestReader.stamp(self._partner, self.table.name)
        text = await pickups.position_of(self._driver, self._peer.peer_id, self._source)
        if text is None or self._stamp is None:
            return []
        kept = msgspec.json.decode(text, type=Kept)
        if kept.stamp != self._stamp or await self._unseen(1):
            return []
        return [
            BalancedTable(self.table.name, is_sent, *side, *side)
            for is_sent, side in ((True, kept.sent), (False, kept.received))
        ]

    async def run(self) -> list[Difference]:
        """Returns what differs.

        Raises:
            PartnerRefused: the table cannot be read.
        """
        reader = await DigestReader.open(self._partner, self.table.name, self.table.key)
        theirs = await reader.sums()
        ours: dict[int, Sum] = {}
        for bucket, _, count, digest in await partner_rows.sums(self._driver, self._peer.peer_id, self.table.name):
            ours[bucket] = ours.get(bucket, Sum()).with_rows(count, digest)
        differing = {
            b: theirs.get(b, Sum()).row_count for b in theirs.keys() | ours.keys() if theirs.get(b) != ours.get(b)
        }
        found: list[Difference] = []
        standing: set[str] = set()
        for group in _groups(differing):
            found += await self._group(reader, group, standing)
            if len(found) >= _MOST_DIFFERENCES:
                return found
        for known in await self._unseen(_MOST_DIFFERENCES):
            if known.row_key not in standing:
                found.append(Difference(known.row_key, Cause.ROW_MISSING, is_sent=True, known=known))
        return await self._explained(found)

    async def _unseen(self, limit: int) -> list[Known]:
        return await partner_rows.unseen(self._driver, self._peer.peer_id, self.table.name, limit)

    async def _group(self, reader: DigestReader, buckets: list[int], standing: set[str]) -> list[Difference]:
        rows = {key_text(row.key): row for row in await reader.rows(buckets)}
        known = await partner_rows.in_buckets(self._driver, self._peer.peer_id, self.table.name, buckets)
        doubtful = [row for text, row in rows.items() if text not in known or known[text].digest != row.digest]
        found = [
            Difference(text, Cause.ROW_MISSING if one.is_sent else Cause.ROW_DELETED, one.is_sent, known=one)
            for text, one in known.items()
            if text not in rows
        ]
        judged = await self.judge.judge(doubtful)
        if judged.unread:
            # Perhaps the hub wrote them just now.
            await self.see(judged.same)
            await self._settle()
            again = await self.judge.judge(judged.unread)
            judged = again._replace(changed=judged.changed + again.changed)
        await self.see(judged.same)
        standing.update(key_text(row.key) for row, _ in judged.changed)
        found += [
            Difference(key_text(row.key), Cause.ROW_CHANGED, is_sent=True, row=row, known=known)
            for row, known in judged.changed
        ]
        found += [
            Difference(
                text, Cause.UNNOTED, is_sent=False, row=row, known=known.get(text), revision=judged.revisions[text]
            )
            for row in judged.unread
            if (text := key_text(row.key))
        ]
        return found

    async def see(self, rows: list[Seen]) -> None:
        """Keeps rows as they are on both sides."""
        if rows:
            await partner_rows.see(self._driver, self._peer.peer_id, self.table.name, rows, self._clock())

    async def _explained(self, found: list[Difference]) -> list[Difference]:
        """Returns differences with the causes that only the ledger and the key log tell; without rows taken away."""
        if not found:
            return []
        refused = await partner_rows.refused_rows(self._driver, self._peer.peer_id, self.table.name)
        held = await partner_rows.refused_parcels(self._driver, self._peer.destination_id)
        waiting = await self._waiting()
        is_kept = await pickup_pages.is_kept(self._driver, self._peer.peer_id, self.table.name)
        oldest = self._clock() - (self._keep_days - 1) * _DAY if self._keep_days else 0
        explained, removed = [], []
        for one in found:
            cause = one.cause
            if one.is_sent and one.known is not None and one.known.sequence in held:
                cause = Cause.REFUSED
            elif cause is Cause.ROW_MISSING and one.known is not None and one.known.noted_time < oldest:
                removed.append(one.key)
                continue
            elif cause is Cause.UNNOTED:
                # A row that went on since it was refused is another one.
                is_refused = one.revision <= refused.get(one.key, -1)
                is_waiting = is_kept or one.key in waiting
                cause = Cause.UNREAD if is_waiting else Cause.REFUSED if is_refused else cause
            explained.append(one._replace(cause=cause))
        await partner_rows.forget(self._driver, self._peer.peer_id, self.table.name, removed)
        return explained

    async def _waiting(self) -> set[str]:
        followed = self.table.followed
        if followed is None or not await refilling.has_log(self._partner):
            return set()
        return {key_text(key) for key in await refilling.waiting(self._partner, followed.table)}

    async def conclude(self, found: list[Difference], resent: frozenset[str]) -> list[BalancedTable]:
        """Returns what both sides hold by direction; keeps it when they agree, forgets what the partner deleted."""
        own = {True: Sum(), False: Sum()}
        for _, is_sent, count, digest in await partner_rows.sums(
            self._driver, self._peer.peer_id, self.table.name
        ):  # fmt: skip
            own[is_sent] = own[is_sent].with_rows(count, digest)
        other = dict(own)
        for one in found:
            way, seen = one.is_sent, one.known.digest if one.known is not None else None
            if one.known is not None and seen is None:
                # Written and never seen there: it counts, as what nobody knows.
                own[way] = own[way].with_rows(1, 0)
                other[way] = other[way].with_rows(1, 0)
                seen = 0
            if one.key in resent:
                continue
            if seen is not None:
                other[way] = other[way].with_rows(-1, -seen)
            if one.row is not None:
                other[way] = other[way].with_rows(1, one.row.digest)
        deleted = [one.key for one in found if one.cause is Cause.ROW_DELETED]
        await partner_rows.forget(self._driver, self._peer.peer_id, self.table.name, deleted)
        if found:
            await pickups.forget_position(self._driver, self._peer.peer_id, self._source)
        elif self._stamp is not None:
            kept = Kept(self._stamp, (own[True].row_count, own[True].told), (own[False].row_count, own[False].told))
            text = msgspec.json.encode(kept).decode()
            await pickups.save_position(self._driver, self._peer.peer_id, self._source, text)
        return [
            BalancedTable(
                self.table.name, is_sent, own[is_sent].row_count, own[is_sent].told,
                other[is_sent].row_count, other[is_sent].told,
                tuple(self._told(one) for one in found if one.is_sent is is_sent),
                frozenset(self._message_key(one) for one in found if one.is_sent is is_sent and one.key in resent),
            )
            for is_sent in (True, False)
        ]  # fmt: skip

    def _message_key(self, one: Difference) -> bytes:
        return blake2b(f"{self.table.name}\0{one.key}".encode(), digest_size=16).digest()

    def _told(self, one: Difference) -> Found:
        kind = RecordKind.COMPONENT if self.table.name == schema.COMPONENT.name else RecordKind.CASE
        digest = one.row.digest if one.row else 0
        return Found(
            Mark(self._message_key(one), self._clock(), kind, digest), one.cause, f"{self.table.name} {one.key}"
        )


def _groups(differing: dict[int, int]) -> Iterator[list[int]]:
    """Yields buckets together that have about so many rows as are looked at together."""
    group: list[int] = []
    count = 0
    for bucket, row_count in sorted(differing.items()):
        group.append(bucket)
        count += row_count
        if count >= _ROWS_AT_ONCE:
            yield group
            group, count = [], 0
    if group:
        yield group
