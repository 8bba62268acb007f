"""Handing picked-up rows in at the intake desk, in the numbers of the partner's stream."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from auth.principal import Principal
from exchange_db import pickups
from exchange_db.inbox import Answer, Refusal, Stream
from exchange_db.intermediate.reading.pages import Page
from exchange_db.pickups import PickedRow, Pickup, RowState
from exchange_db.session import Dedicated
from hub.intermediate.sources import Source
from hub.intermediate.translation import Translated, Translation, key_text

#: Records in one transaction of the log.
_ARRIVAL = 1_000
#: A partner may clear its tables as it likes; each row is told, but does not make a flood.
_NOT_WRONG = frozenset({"ROW_DELETED", "TABLE_EMPTIED"})
_HOUR_SECONDS = 3_600.0


class PageRefused(Exception):
    """A page was not taken as a whole; it is read again."""


class Taken(Protocol):
    """The desk's answer to an arrival."""

    @property
    def answer(self) -> Answer:
        """What became of each record."""


#: ``IntakeDesk.hand_in``, handed in by ``hub.bootstrap``.
Take = Callable[[Principal, int, int, list[bytes | Refusal], Pickup], Awaitable[Awaitable[Taken]]]


class Intaking:
    """The way of one partner's rows into the log.

    Args:
        connection: to the ledger.
        take: the desk.
        sender: the partner.
        stream: its stream, which nobody else writes to.
    """

    def __init__(self, connection: Dedicated, take: Take, sender: Principal, stream: Stream) -> None:
        self._driver = connection.driver
        self._take = take
        self._sender = sender
        self._stream_id = stream.stream_id
        self._next = stream.last_sequence + 1
        self._saved: dict[str, str | None] = {}
        #: When rows of a table were refused, and how many.
        self._refused: dict[str, deque[tuple[float, int]]] = {}
        self._turn = asyncio.Lock()

    async def take(self, source: Source, page: Page, most_refused_per_hour: int, page_no: int = 0) -> list[str]:
        """Puts a page on disk; returns the tables of which too many rows were refused within an hour.

        ``page_no`` is the page's number where it was kept before; it is taken away with the last of its records.

        Raises:
            PageRefused: the partner is no longer welcome, or somebody else writes in its stream.
            ExchangeDbError: the ledger does not answer.
        """
        peer_id = self._sender.peer_id
        states = await self._states(page)
        translation = Translation(peer_id, source.followed, states, is_asked=page.is_asked)
        translated = await asyncio.to_thread(translation.translate, page.rows)
        if not page_no and not translated.items and page.position in (None, self._saved.get(source.name)):
            return []
        refused = await self._hand_in(source, page, translated, page_no)
        if not page_no:
            self._saved[source.name] = page.position
        flooding = [table for table, count in refused.items() if self._count(table, count) > most_refused_per_hour]
        for table in flooding:
            # Somebody looks at it; counting begins anew when it is read again.
            del self._refused[table]
        return flooding

    async def _states(self, page: Page) -> dict[tuple[str, str], RowState]:
        by_table: dict[str, list[str]] = {}
        for row in page.rows:
            by_table.setdefault(row.table, []).append(key_text(row.key))
        states: dict[tuple[str, str], RowState] = {}
        for table, keys in by_table.items():
            found = await pickups.states_of(self._driver, self._sender.peer_id, table, keys)
            states |= {(table, key): state for key, state in found.items()}
        return states

    async def _hand_in(self, source: Source, page: Page, translated: Translated, page_no: int) -> Counter[str]:
        """Hands a page in, one arrival behind the other, and waits for all of them; returns refusals by table."""
        pieces = _pieces(translated)
        handed: list[tuple[int, Awaitable[Taken]]] = []
        async with self._turn:
            try:
                for number, (items, rows) in enumerate(pieces):
                    position, done = (page.position, page_no) if number == len(pieces) - 1 else (None, 0)
                    pickup = Pickup(self._sender.peer_id, source.name, position, rows, done)
                    first, self._next = self._next, self._next + len(items)
                    handed.append((self._next, await self._take(self._sender, self._stream_id, first, items, pickup)))
            finally:
                # Whatever broke: what was handed in is answered before anybody goes on.
                answers = await asyncio.gather(*(answered for _, answered in handed), return_exceptions=True)
        refused: Counter[str] = Counter()
        for (after, _), taken, (_, rows) in zip(handed, answers, pieces, strict=True):
            if isinstance(taken, BaseException):
                raise taken
            if taken.answer.is_blocked or taken.answer.next_sequence != after:
                raise PageRefused("该平台已停用或流水号被他人占用 / blocked here, or its numbers are used by another")
            wrong = {n for n, violation in taken.answer.violations.items() if violation.reason not in _NOT_WRONG}
            refused.update(row.table_name for row in rows if row.ordinal in wrong)
        return refused

    def _count(self, table: str, count: int) -> int:
        """Counts refusals of a table and returns those of the last hour."""
        now = time.monotonic()
        seen = self._refused.setdefault(table, deque())
        seen.append((now, count))
        while seen[0][0] < now - _HOUR_SECONDS:
            seen.popleft()
        return sum(some for _, some in seen)


def _pieces(translated: Translated) -> list[tuple[list[bytes | Refusal], list[PickedRow]]]:
    """Parts a page into arrivals; one without any record still carries the position."""
    items, rows = translated
    pieces: list[tuple[list[bytes | Refusal], list[PickedRow]]] = [
        (items[start : start + _ARRIVAL], []) for start in range(0, max(len(items), 1), _ARRIVAL)
    ]
    for row in rows:
        number, ordinal = divmod(row.ordinal, _ARRIVAL)
        pieces[number][1].append(row._replace(ordinal=ordinal))
    return pieces
