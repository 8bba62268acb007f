"""Comparing a partner's database with the ledger, table by table, and repairing what can be.

The partner's engine sums its rows up; the ledger keeps what each was when both sides last held the same. Only where
sums differ rows are looked at (``hub.intermediate.table_comparison``). A table in which the engine wrote nothing since
is not even summed up, unless everything is asked for.
"""

import asyncio
from collections.abc import Iterator, Sequence

from connectors.reconciliation import REPAIRABLE, BalancedTable
from exchange_db.intermediate import schema
from exchange_db.intermediate.partner import Partner, PartnerRefused, Row, open_partner
from exchange_db.intermediate.reading import refilling
from exchange_db.intermediate.reading.digests import KeyedDigest
from exchange_db.intermediate.reading.pages import ReadTable
from exchange_db.intermediate.writing.given import put_codes
from exchange_db.intermediate.writing.session import WritingSession, has_table
from exchange_db.intermediate.writing.targets import OURS
from exchange_db.marks import day_of
from exchange_db.partner_rows import Known
from exchange_db.peers import Peer
from exchange_db.session import Dedicated, Ledger
from hub.clock import Clock
from hub.intermediate.delivered import Delivered, expect_codes
from hub.intermediate.judging import ComparedTable
from hub.intermediate.link_files import Capture, DatabaseLink, Manner
from hub.intermediate.marks import LedgerMarks, MarkKeeper, MarkMoved, PartnerMarks, Standing
from hub.intermediate.sources import sources_of
from hub.intermediate.table_comparison import Difference, TableComparison
from hub.intermediate.translation import key_text

#: How often something another worker is busy with is tried, and the pause between.
_TRIES, _PAUSE_SECONDS = 50, 0.1


class Balance:
    """Compares one partner's database.

    Args:
        ledger: the hub's database.
        connection: to it, for this alone.
        clock: the hub's clock.
        hub_region: region of this hub.
        peer: the partner.
        link: its link file.
        patience_seconds: how long a repair waits for the pick-up.
        codes: the codes in force, as ``put_codes`` takes them; empty where the partner gets none.
    """

    def __init__(
        self,
        ledger: Ledger,
        connection: Dedicated,
        clock: Clock,
        hub_region: int,
        peer: Peer,
        link: DatabaseLink,
        *,
        patience_seconds: float = 10.0,
        codes: Sequence[Row] = (),
    ) -> None:
        self._ledger = ledger
        self._driver = connection.driver
        self._clock = clock
        self._peer = peer
        self._link = link
        self._patience_seconds = patience_seconds
        # Whoever is above gives codes to those below.
        gets_codes = link.manner is Manner.OURS and link.exchanges(schema.CODE_LIST) and peer.relation == "child"
        self._codes = list(codes) if gets_codes else []
        self._delivered = Delivered(connection, peer, link, hub_region)

    async def run(self, *, is_full: bool = False, is_repairing: bool = False) -> tuple[list[BalancedTable], list[str]]:
        """Compares all tables; returns what it showed, and what kept tables from being compared.

        Args:
            is_full: whether tables are summed up in which nothing was written since both sides agreed.
            is_repairing: whether what can be repaired is.

        Raises:
            PartnerUnreachable, PartnerRefused: the database does not answer.
            LinkFileInvalid: the link file cannot be used.
        """
        await self._delivered.fold(self._clock())
        if self._codes:
            await expect_codes(self._driver, self._peer.peer_id, self._codes, self._link.engine, self._clock())
        balanced: list[BalancedTable] = []
        troubles = []
        async with open_partner(self._link.url, self._link.zone) as partner:
            session = await WritingSession.open(partner, self._link.zone)
            keeper = await self._keeper(partner)
            for table in self._tables(partner):
                try:
                    balanced += await self._table(session, keeper, table, is_full=is_full, is_repairing=is_repairing)
                except PartnerRefused as refusal:
                    troubles.append(f"{table.name}: {refusal}")
            if await has_table(partner, schema.RECONCILE.name):
                await self._write_statement(session, balanced)
        return balanced, troubles

    async def _keeper(self, partner: Partner) -> MarkKeeper:
        if await has_table(partner, schema.LINK.name):
            return PartnerMarks(partner, self._link.peer)
        return LedgerMarks(self._ledger, self._link.peer)

    def _tables(self, partner: Partner) -> Iterator[ComparedTable]:
        followed = {
            name: one for source in sources_of(self._link, partner.dialect) for name, one in source.followed.items()
        }
        is_ours = self._link.manner is Manner.OURS
        # Of a table of the partner's that is read and written nobody can tell whose a change is.
        targets = {one.table: one for one in self._delivered.targets if is_ours or one.table not in followed}
        for name, one in followed.items():
            yield ComparedTable(name, one.table.key, one, targets.get(name), one.table)
        if self._codes:
            targets[schema.CODE_LIST.name] = OURS[schema.CODE_LIST.name]
        for name, target in targets.items():
            if name not in followed:
                read = ReadTable.ours(partner.dialect, schema.TABLES[name]) if is_ours else None
                yield ComparedTable(name, target.key, None, target, read)

    async def _table(
        self, session: WritingSession, keeper: MarkKeeper, table: ComparedTable, *, is_full: bool, is_repairing: bool
    ) -> list[BalancedTable]:
        async def settle() -> None:
            await self._settle(keeper)

        # Figures and codes are never taken away.
        keep_days = self._link.keep_days if table.name not in (schema.FIGURE.name, schema.CODE_LIST.name) else 0
        comparison = TableComparison(self._driver, session.partner, self._peer, table, self._clock, keep_days, settle)
        unchanged = await comparison.unchanged()
        if unchanged and not is_full:
            return unchanged
        found = await comparison.run()
        resent = await self._repair(comparison, session, keeper, found) if is_repairing else frozenset()
        return await comparison.conclude(found, resent)

    async def _settle(self, keeper: MarkKeeper) -> None:
        """Notes what was written at the partner up to now, as soon as it is confirmed."""
        reached = (await keeper.read()).delivered_sequence
        for _ in range(_TRIES):
            if await self._delivered.fold(self._clock()) >= reached:
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _repair(
        self, comparison: TableComparison, session: WritingSession, keeper: MarkKeeper, found: list[Difference]
    ) -> frozenset[str]:
        """Repairs what can be; returns the keys of rows that were."""
        wanted = [one for one in found if one.cause in REPAIRABLE]
        sent = [one.known for one in wanted if one.is_sent and one.known is not None]
        unread = [one.row for one in wanted if not one.is_sent and one.row is not None]
        written = await self._write_again(comparison, session, keeper, sent)
        return frozenset(written | await self._have_read(comparison, session, unread))

    async def _write_again(
        self, comparison: TableComparison, session: WritingSession, keeper: MarkKeeper, rows: list[Known]
    ) -> set[str]:
        target = comparison.table.target
        if not rows or target is None:
            return set()
        await session.prepare(target)
        if target.table == schema.CODE_LIST.name:
            await put_codes(session, self._codes, self._clock())
            return {one.row_key for one in rows}
        for _ in range(_TRIES):
            standing = Standing(session, keeper, await keeper.read(), self._clock)
            try:
                return await self._delivered.write_again(standing, target, rows, self._clock())
            except MarkMoved:
                await asyncio.sleep(_PAUSE_SECONDS)
        return set()

    async def _have_read(
        self, comparison: TableComparison, session: WritingSession, rows: list[KeyedDigest]
    ) -> set[str]:
        """Has rows picked up whose change was not noted, and waits until they are."""
        followed = comparison.table.followed
        if not rows or followed is None or not self._is_logged(comparison.table.name):
            return set()
        await refilling.put_again(session.partner, followed.table, [row.key for row in rows])
        left, waited = rows, 0.0
        while left and waited < self._patience_seconds:
            await asyncio.sleep(_PAUSE_SECONDS)
            waited += _PAUSE_SECONDS
            judged = await comparison.judge.judge(left)
            await comparison.see(judged.same)
            left = judged.unread
        unread = {row.key for row in left}
        return {key_text(row.key) for row in rows if row.key not in unread}

    def _is_logged(self, table: str) -> bool:
        captures = {source.name: source.capture for source in self._link.source}
        return (captures.get(table) or self._link.capture) is Capture.KEY_LOG

    async def _write_statement(self, session: WritingSession, balanced: list[BalancedTable]) -> None:
        """Leaves what was found in the partner's database, for both sides to see."""
        now = self._clock()
        day = day_of(now)
        columns = schema.RECONCILE.columns
        statement = session.partner.dialect.upsert(schema.RECONCILE.name, columns, schema.RECONCILE.key)
        async with session.transaction():
            for one in balanced:
                own, other = (one.own_count, one.own_hash), (one.other_count, one.other_hash)
                head = f"{day // 10_000:04d}-{day // 100 % 100:02d}-{day % 100:02d}", one.table
                values = (
                    *head, "out" if one.is_sent else "in", *own, *other, "equal" if own == other else "differs", now,
                )  # fmt: skip
                await session.partner.execute(statement, values)
