"""What the rows of a partner's table are, told in few numbers that its own engine makes: counts and sums of digests.

A digest is of all columns of a row, as the engine has them, and is compared only with one the same engine made before:
where it is another one, the row itself is read. Sums do not depend on an order, and a row falls into the same bucket
for ever.
"""

from collections.abc import Sequence
from typing import NamedTuple

from exchange_db.intermediate.columns import read_columns
from exchange_db.intermediate.partner import Partner, PartnerRefused
from exchange_db.intermediate.reading.pages import Key, as_text

BUCKETS = 4096
#: How long a whole table may take, where the engine would give up sooner.
_STATEMENT_SECONDS = 900
#: First version of PostgreSQL that hashes records, and types it does so with.
_BINARY_SINCE = 140_000
_HASHED = frozenset(
    {
        "bigint", "boolean", "bytea", "character", "character varying", "date", "double precision", "integer",
        "jsonb", "numeric", "real", "smallint", "text", "time without time zone", "timestamp with time zone",
        "timestamp without time zone", "uuid",
    }
)  # fmt: skip


class Sum(NamedTuple):
    """How many rows, and the sum of their digests modulo 2^64."""

    row_count: int = 0
    digest: int = 0

    @property
    def told(self) -> str:
        """The digest as 16 hex digits."""
        return f"{self.digest % 2**64:016x}"

    def with_rows(self, count: int, digest: int) -> "Sum":
        """Returns the sum with some rows more, or less if both numbers are negative."""
        return Sum(self.row_count + count, (self.digest + digest) % 2**64)


class KeyedDigest(NamedTuple):
    """One row as it stands at the partner."""

    key: Key
    bucket: int
    digest: int


class DigestReader:
    """Reads digests of one table.

    Args:
        partner: a connection of the caller's own.
        table: the table.
        key: the columns that name a row.
        columns: its columns.
        is_binary: whether PostgreSQL can hash its values as they are, which takes a fifth of the time their texts do.
    """

    def __init__(
        self, partner: Partner, table: str, key: Key, columns: Sequence[str], *, is_binary: bool = False
    ) -> None:
        self._partner = partner
        dialect = partner.dialect
        self._table = dialect.quoted(table)
        self._keys = [as_text(dialect, column) for column in key]
        named = ", ".join(self._keys)
        if dialect.name == "postgresql":
            self._bucket = f"(hashtextextended(concat_ws(chr(31), {named}), 0) & {BUCKETS - 1})::int"
            self._digest = "hash_record_extended(t, 0)" if is_binary else "hashtextextended(t::text, 0)"
        elif dialect.name == "mariadb":
            held = ", ".join(f"ifnull(CAST({dialect.quoted(column)} AS CHAR), '\\\\N')" for column in columns)
            self._bucket = f"(crc32(concat_ws(char(31), {named})) & {BUCKETS - 1})"
            self._digest = f"CAST(conv(left(md5(concat_ws(char(31), {held})), 15), 16, 10) AS SIGNED)"
        else:
            held = ", ".join(dialect.quoted(column) for column in columns)
            self._bucket = f"(sanji_digest({named}) & {BUCKETS - 1})"
            self._digest = f"sanji_digest({held})"

    @classmethod
    async def open(cls, partner: Partner, table: str, key: Key) -> "DigestReader":
        """Prepares the session and the questions.

        Raises:
            PartnerRefused: there is no such table.
        """
        columns = await read_columns(partner, table)
        if not columns:
            raise PartnerRefused(f"没有表 {table} / there is no table {table}")
        is_binary = False
        if partner.dialect.name == "postgresql":
            version = (await partner.fetch("SELECT current_setting('server_version_num')::int"))[0][0]
            is_binary = version >= _BINARY_SINCE and {one.type for one in columns.values()} <= _HASHED
            await partner.execute(f"SET statement_timeout = '{_STATEMENT_SECONDS}s'")
            # Two spellings of one value are two digests: the server's own settings must not matter.
            await partner.execute("SET datestyle = 'ISO'")
            await partner.execute("SET extra_float_digits = 1")
        return cls(partner, table, key, list(columns), is_binary=is_binary)

    @staticmethod
    async def stamp(partner: Partner, table: str) -> str | None:
        """Returns a text that is another one after every change of the table; ``None`` where the engine has none.

        PostgreSQL: how many rows, and the sum of the transactions that wrote them. A later transaction has a higher
        number, so with as many rows as before the sum has grown if any was written, until numbers begin anew.
        """
        if partner.dialect.name != "postgresql":
            return None
        try:
            rows = await partner.fetch(f"SELECT count(*), sum(xmin::text::bigint) FROM {partner.dialect.quoted(table)}")  # noqa: S608
        except PartnerRefused:  # a view has no transactions
            return None
        return f"{rows[0][0]}:{rows[0][1]}"

    async def sums(self) -> dict[int, Sum]:
        """Returns the sums of all buckets that have rows."""
        rows = await self._partner.fetch(
            f"SELECT {self._bucket} AS b, count(*), sum({self._digest}) FROM {self._table} t GROUP BY 1"  # noqa: S608
        )
        return {int(bucket): Sum(int(count), int(total) % 2**64) for bucket, count, total in rows}

    async def rows(self, buckets: Sequence[int]) -> list[KeyedDigest]:
        """Returns the rows of some buckets."""
        marks = ", ".join(str(bucket) for bucket in buckets)
        found = await self._partner.fetch(
            f"SELECT {', '.join(self._keys)}, {self._bucket} AS b, {self._digest} AS d FROM {self._table} t"  # noqa: S608
            f" WHERE {self._bucket} IN ({marks})"
        )
        return [KeyedDigest(tuple(map(str, row[:-2])), int(row[-2]), int(row[-1])) for row in found]
