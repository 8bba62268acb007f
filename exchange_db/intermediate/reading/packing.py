"""Having PostgreSQL write rows by their keys into one value: fetching it costs a tenth of fetching them row by row."""

import asyncio
from typing import Any, NamedTuple

from exchange_db.intermediate.dialects.postgresql import PostgresqlPartner
from exchange_db.intermediate.partner import Row
from exchange_db.intermediate.reading.packed import PLAIN_TYPES, Form, PackedRows, pack_gone
from exchange_db.intermediate.reading.pages import ReadTable, as_text
from exchange_db.intermediate.reading.rows import column_types

_MOMENT = "timestamp with time zone"
_PLAIN_KEYS = ("text", "character varying")


class _Question(NamedTuple):
    """What is packed of a row ``t``, the names of it in order, and what joins it to a key ``k``."""

    packed: str
    fields: tuple[str, ...]
    join: str


class NotPacked(Exception):
    """Rows cannot be had this way; they are read row by row. ``is_for_size``: fewer of them could."""

    def __init__(self, told: str, *, is_for_size: bool = False) -> None:
        super().__init__(told)
        self.is_for_size = is_for_size


class RowPacker:
    """Packs rows of some tables of one partner.

    ``second`` is another connection that does half of the work: a server gives each connection one processor.
    """

    def __init__(self, partner: PostgresqlPartner) -> None:
        self._partner = partner
        self.second: PostgresqlPartner | None = None
        #: By table; ``None`` for one that cannot be packed.
        self._questions: dict[str, _Question | None] = {}

    async def pack(
        self,
        table: ReadTable,
        pieces: str,
        keys: str,
        bounds: list[list[Any]],
        values: tuple[Any, ...],
        most_bytes: int,
    ) -> list[PackedRows]:
        """Returns rows as they stand, and the keys of those that are gone.

        Args:
            table: the table.
            pieces: a source of rows ``c``, one for each piece that is fetched while the next is being read.
            keys: a question for the keys of a piece, as ``row_key``; an empty key: the table was emptied.
            bounds: the values of the pieces, each a list with one for each piece.
            values: those of the question.
            most_bytes: more are not fetched.

        Raises:
            NotPacked: a column has a type that is read otherwise, or it would be too much.
            PartnerRefused: the table cannot be read.
        """
        if table.name not in self._questions:
            self._questions[table.name] = await self._question(table)
        question = self._questions[table.name]
        if question is None:
            raise NotPacked(table.name)
        statement = (
            f"SELECT x.* FROM {pieces}, LATERAL (SELECT count(p.packed) AS row_count,"  # noqa: S608
            " CASE WHEN sum(octet_length(p.packed)) <= %s THEN string_agg(p.packed, ''::bytea) END AS packed,"
            " json_agg(p.row_key) FILTER (WHERE p.packed IS NULL) AS gone"
            f" FROM (SELECT k.row_key, CASE WHEN t.tableoid IS NOT NULL THEN {question.packed} END AS packed"
            f" FROM ({keys}) k LEFT JOIN {self._partner.dialect.quoted(table.name)} t ON {question.join}) p) x"
        )
        found = await self._fetch(statement, bounds, (most_bytes // len(bounds[0]), *values))
        if any(row_count and content is None for row_count, content, _ in found):
            raise NotPacked(table.name, is_for_size=True)
        parts = []
        if gone := [tuple(key) for _, _, keys in found for key in keys or ()]:
            parts.append(pack_gone(table, gone))
        if row_count := sum(one[0] for one in found):
            content = b"".join([one[1] for one in found if one[1] is not None])
            parts.append(
                PackedRows(table.name, table.key, table.columns, Form.RECORDS, row_count, content, question.fields)
            )
        return parts

    async def _fetch(self, statement: str, bounds: list[list[Any]], values: tuple[Any, ...]) -> list[Row]:
        if self.second is None:
            return await self._partner.fetch_binary(statement, (*bounds, *values))
        half = len(bounds[0]) // 2
        found = await asyncio.gather(
            self._partner.fetch_binary(statement, (*(column[half:] for column in bounds), *values)),
            self.second.fetch_binary(statement, (*(column[:half] for column in bounds), *values)),
            return_exceptions=True,
        )
        rows: list[Row] = []
        for some in reversed(found):
            if isinstance(some, BaseException):
                raise some
            rows += some
        return rows

    async def _question(self, table: ReadTable) -> _Question | None:
        """Returns what is asked; ``None`` when the values could not be read again.

        Rows of our tables are taken whole, which is the cheapest; times in them as they are, which spares the partner's
        server a calculation. Of a partner's own tables the columns are taken that are asked for, as texts.
        """
        dialect = self._partner.dialect
        quoted = dialect.quoted
        types = await column_types(self._partner, table.name)
        if not types.keys() >= set(table.key):
            return None
        join = " AND ".join(
            f"t.{quoted(column)} = k.row_key[{number}]::{types[column]}" for number, column in enumerate(table.key, 1)
        )
        told = list(zip(table.columns, table.expressions, strict=True))
        if all(expression == as_text(dialect, column) for column, expression in told):
            fields = (*table.key, *(column for column in table.columns if column not in table.key))
            return _Question(f"record_send(ROW({', '.join(as_text(dialect, one) for one in fields)}))", fields, join)
        is_known = types.keys() == set(table.columns) and all(types[column] in _PLAIN_KEYS for column in table.key)
        for column, expression in told:
            is_time = expression == dialect.time_as_number(quoted(column))
            is_known = is_known and (types[column] == _MOMENT if is_time else types[column] in PLAIN_TYPES)
        return _Question("record_send(t)", tuple(types), join) if is_known else None
