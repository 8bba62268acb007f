"""MariaDB, MySQL and SQLite: rows go by one statement with many rows, as the driver does it fastest."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from exchange_db.intermediate.columns import ColumnFacts
from exchange_db.intermediate.partner import Partner, Row
from exchange_db.intermediate.schema import ColumnKind
from exchange_db.intermediate.writing.targets import Target

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ManyWriter:
    """Writes rows on one session.

    Args:
        partner: the session.
        zone: zone of times; what counts is its offset today, as everywhere on these engines.
    """

    def __init__(self, partner: Partner, zone: str) -> None:
        self._partner = partner
        offset = datetime.now(ZoneInfo(zone)).utcoffset()
        self._zone = timezone(offset or timedelta())
        # SQLite's own functions know milliseconds; elsewhere a time that is whole needs no fraction.
        self._precision = "milliseconds" if partner.dialect.name == "sqlite" else "auto"
        self._statements: dict[Target, tuple[str, list[int]]] = {}

    async def prepare(self, target: Target, known: dict[str, ColumnFacts]) -> None:
        """Makes the statement of a table."""
        del known
        # Times are handed over as texts: a statement without functions is sent for many rows at once.
        plain = [column._replace(kind=ColumnKind.TEXT) for column in target.columns]
        statement = self._partner.dialect.upsert(target.table, plain, target.key, guard=target.guard)
        if target.is_insert_only:
            statement = self._without_update(statement, target)
        times = [place for place, column in enumerate(target.columns) if column.kind is ColumnKind.TIME]
        self._statements[target] = statement, times

    def _without_update(self, statement: str, target: Target) -> str:
        first = self._partner.dialect.quoted(target.key[0])
        head, mark, _ = statement.partition(" ON DUPLICATE KEY UPDATE ")
        if mark:
            return f"{head}{mark}{first} = {first}"
        return f"{statement.partition(' ON CONFLICT ')[0]} ON CONFLICT DO NOTHING"

    def begin(self) -> None:
        """Nothing is kept between transactions."""

    async def write(self, target: Target, rows: list[Row]) -> None:
        """Writes rows with keys of their own."""
        statement, times = self._statements[target]
        await self._partner.execute_many(statement, [self._spelled(row, times) for row in rows])

    def _spelled(self, row: Row, times: list[int]) -> Row:
        values: list[Any] = list(row)
        for place in times:
            if values[place] is not None:
                values[place] = self._text_of(values[place])
        return tuple(values)

    def _text_of(self, moment: int) -> str:
        local = (_EPOCH + timedelta(microseconds=moment)).astimezone(self._zone).replace(tzinfo=None)
        return local.isoformat(" ", self._precision)
