"""What is read at a partner, by its link file: tables, how their changes are seen, how their rows become records."""

from pathlib import Path
from typing import NamedTuple

from connectors.mapping_file import Mapping, MappingInvalid, read_mapping
from exchange_db.intermediate import schema
from exchange_db.intermediate.dialect import Dialect
from exchange_db.intermediate.dialects.postgresql import PostgresqlDialect, PostgresqlPartner
from exchange_db.intermediate.partner import Partner
from exchange_db.intermediate.reading.claimed_log import ClaimedLog
from exchange_db.intermediate.reading.pages import Reader, ReadTable
from exchange_db.intermediate.reading.slot_log import SOURCE as LOG_SOURCE
from exchange_db.intermediate.reading.slot_log import SlotLog
from exchange_db.intermediate.reading.snapshot_log import SOURCE, SnapshotLog
from exchange_db.intermediate.reading.status_column import StatusColumn, StatusReader
from exchange_db.intermediate.reading.time_column import TimeReader
from hub.intermediate.link_files import Capture, DatabaseLink, LinkFileInvalid, Manner, SourceTable

#: Name under which the hub says in the partner's database that it sleeps.
_READER_ID = "sanji"


class Followed(NamedTuple):
    """A table that is read; ``mapping`` makes records of its rows where it is none of ours."""

    table: ReadTable
    mapping: Mapping | None


class Source(NamedTuple):
    """One thing to read: the key log or the database's own log with all its tables, or one table.

    ``tables`` are those of ``followed`` that are not paused.
    """

    name: str
    followed: dict[str, Followed]
    tables: dict[str, ReadTable]
    spec: SourceTable | None = None
    capture: Capture = Capture.KEY_LOG

    async def open(self, partner: Partner, position: str | None) -> Reader:
        """Returns the reader.

        Raises:
            PartnerUnreachable, PartnerRefused: the source cannot be read.
        """
        if self.spec is None:
            if not isinstance(partner, PostgresqlPartner):
                return ClaimedLog(partner, self.tables)
            if self.capture is Capture.LOG:
                slot = SlotLog(partner, self.tables, position)
                await slot.open()
                return slot
            log = SnapshotLog(partner, self.tables, _READER_ID, position)
            await log.open()
            return log
        table = self.followed[self.spec.name].table
        if self.capture is Capture.STATUS:
            return StatusReader(partner, table, self.status())
        return TimeReader(partner, table, self.spec.column, self.spec.overlap_seconds, position)

    def status(self) -> StatusColumn:
        """Returns the status column of a table that has one."""
        assert self.spec is not None  # noqa: S101 — the caller knows the tier
        return StatusColumn(self.spec.column, self.spec.new, self.spec.taken)


def sources_of(link: DatabaseLink, dialect: Dialect) -> list[Source]:
    """Returns what is read at a partner.

    Raises:
        LinkFileInvalid: a mapping cannot be used, or a tier is asked for that is not built.
    """
    if link.manner is Manner.OURS:
        tables = [table for table in schema.SHARED if link.exchanges(table)]
        followed = {table.name: Followed(ReadTable.ours(dialect, table), None) for table in tables}
        return [_key_log(followed)] if followed else []
    logged: dict[Capture, dict[str, Followed]] = {Capture.KEY_LOG: {}, Capture.LOG: {}}
    sources = []
    for spec in link.source:
        one = _theirs(link.folder, spec, dialect)
        capture = spec.capture or link.capture
        if capture is Capture.LOG:
            _require_slot(link, spec, dialect)
        if capture in logged:
            logged[capture][spec.name] = one
        else:
            sources.append(Source(f"table/{spec.name}", {spec.name: one}, {spec.name: one.table}, spec, capture))
    if logged[Capture.KEY_LOG]:
        sources.insert(0, _key_log(logged[Capture.KEY_LOG]))
    if followed := logged[Capture.LOG]:
        sources.insert(0, _with_all(LOG_SOURCE, followed, Capture.LOG))
    return sources


def kept_sources_of(link: DatabaseLink) -> list[Source]:
    """Returns the sources whose pages can be kept unread: the key log on PostgreSQL, which has a position.

    Raises:
        LinkFileInvalid: see ``sources_of``.
    """
    if link.engine != PostgresqlDialect.name:
        return []
    return [source for source in sources_of(link, PostgresqlDialect()) if source.name == SOURCE]


def _require_slot(link: DatabaseLink, spec: SourceTable, dialect: Dialect) -> None:
    """Checks that the log can serve a table.

    Raises:
        LinkFileInvalid: the engine's log is not read, or the hub writes the table itself.
    """
    if dialect.name != "postgresql":
        raise LinkFileInvalid(
            f"{link.peer}：{spec.name}：capture = log 只支持 PostgreSQL，请用 key_log。 / "
            "capture = log is for PostgreSQL only; use key_log"
        )
    if any(target.name == spec.name for target in link.target):
        # The log does not tell the hub's writes from the partner's.
        raise LinkFileInvalid(
            f"{link.peer}：{spec.name}：枢纽也写这张表，不能用 capture = log，请用 key_log。 / "
            "the hub writes this table too: use key_log"
        )


def _key_log(followed: dict[str, Followed]) -> Source:
    return _with_all(SOURCE, followed, Capture.KEY_LOG)


def _with_all(name: str, followed: dict[str, Followed], capture: Capture) -> Source:
    return Source(name, followed, {table: one.table for table, one in followed.items()}, capture=capture)


def _theirs(folder: Path, spec: SourceTable, dialect: Dialect) -> Followed:
    try:
        mapping = read_mapping(folder / spec.mapping)
    except MappingInvalid as error:
        raise LinkFileInvalid(str(error)) from None
    return Followed(ReadTable.theirs(dialect, spec.name, spec.key, mapping.columns()), mapping)
