"""How far a partner's database is: in its own row of ``x_link``, or here where it gives us no such table."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from exchange_db import pickups
from exchange_db.intermediate.partner import Partner
from exchange_db.intermediate.writing import link_row
from exchange_db.intermediate.writing.link_row import Marks
from exchange_db.intermediate.writing.session import WritingSession
from exchange_db.session import Ledger
from hub.clock import Clock

_SOURCE = "x_link"


class MarkMoved(Exception):
    """Somebody else moved the mark: another process, a restored backup or ``sanji intermediate resend``."""

    def __init__(self) -> None:
        super().__init__("对方 x_link 的位置已被改动，重新接续 / the mark in x_link was moved: picking up from there")


class MarkKeeper(Protocol):
    """Where a link's marks are kept."""

    async def read(self) -> Marks:
        """Returns the marks as they stand."""

    async def move(self, before: Marks, after: Marks, now: int) -> None:
        """Moves them, inside the transaction that writes what they stand for.

        Raises:
            MarkMoved: they were not at ``before``; nothing of the transaction can stand.
        """

    async def confirm(self, after: Marks) -> None:
        """Is called when that transaction is committed."""

    async def beat(self, marks: Marks, now: int) -> None:
        """Leaves a sign of life.

        Raises:
            MarkMoved: they are not at ``marks`` any more.
        """


class PartnerMarks:
    """Marks in the partner's ``x_link``: they go back with its rows when a backup is restored.

    Args:
        partner: the hub's session there.
        link_id: the partner's own name.
    """

    def __init__(self, partner: Partner, link_id: str) -> None:
        self._partner = partner
        self._link_id = link_id

    async def enter(self, hub_id: str, now: int) -> None:
        """Makes the row if there is none."""
        if await link_row.read_marks(self._partner, self._link_id) is None:
            await link_row.enter(self._partner, self._link_id, hub_id, now)

    async def read(self) -> Marks:
        """Returns the marks as they stand; none when the row is gone."""
        return await link_row.read_marks(self._partner, self._link_id) or Marks()

    async def move(self, before: Marks, after: Marks, now: int) -> None:
        """Moves the row's numbers by compare-and-set."""
        if not await link_row.move(self._partner, self._link_id, before, after, now):
            raise MarkMoved

    async def confirm(self, after: Marks) -> None:
        """Nothing is left to do: the marks were committed with the rows."""

    async def beat(self, marks: Marks, now: int) -> None:
        """Leaves the hub's time in the row."""
        if await self.read() != marks:
            raise MarkMoved
        await link_row.beat(self._partner, self._link_id, now)


class LedgerMarks:
    """Marks in the ledger, behind the partner's commit: after a crash a batch is written again, and changes nothing.

    Args:
        ledger: the hub's database.
        peer_id: the partner.
    """

    def __init__(self, ledger: Ledger, peer_id: str) -> None:
        self._ledger = ledger
        self._peer_id = peer_id

    async def read(self) -> Marks:
        """Returns the marks as they stand."""
        async with self._ledger.watching() as connection:
            text = await pickups.position_of(connection.driver, self._peer_id, _SOURCE)
        return Marks(*map(int, text.split())) if text else Marks()

    async def set(self, marks: Marks) -> None:
        """Writes them down; a worker that is connected goes by them when it connects again."""
        async with self._ledger.watching() as connection:
            text = f"{marks.delivered_sequence} {marks.receipt_sequence}"
            await pickups.save_position(connection.driver, self._peer_id, _SOURCE, text)

    async def move(self, before: Marks, after: Marks, now: int) -> None:
        """Nothing is written before the partner has committed."""

    async def confirm(self, after: Marks) -> None:
        """Writes them down."""
        await self.set(after)

    async def beat(self, marks: Marks, now: int) -> None:
        """There is nobody to see it."""


class Standing:
    """A session at a partner and how far it has come; its two writers, of rows and of receipts, take turns.

    Args:
        session: the hub's session there.
        keeper: where the marks are kept.
        marks: how they stand.
        clock: the hub's clock.
    """

    def __init__(self, session: WritingSession, keeper: MarkKeeper, marks: Marks, clock: Clock) -> None:
        self.session = session
        self.marks = marks
        self._keeper = keeper
        self._clock = clock

    @asynccontextmanager
    async def advancing(self, **numbers: int) -> AsyncIterator[None]:
        """Opens a transaction that moves some marks with what is written in it.

        Raises:
            MarkMoved: somebody else moved them; nothing was written.
        """
        async with self.session.transaction():
            yield
            await self._keeper.move(self.marks, self.marks._replace(**numbers), self._clock())
        self.marks = self.marks._replace(**numbers)
        await self._keeper.confirm(self.marks)

    async def beat(self) -> None:
        """Leaves a sign of life.

        Raises:
            MarkMoved: somebody else moved the marks.
        """
        async with self.session.transaction():
            await self._keeper.beat(self.marks, self._clock())
