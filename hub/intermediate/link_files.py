"""Link files: one TOML file a partner whose database is the link to it, in the folder ``intermediate.folder``.

A file says who the partner is, where its database lies, whether it uses our tables or its own, and how its changes are
captured. Secrets may stand in variables: ``${NAME}`` in the URL. Read by the pick-up, the write-back and ``sanji
intermediate``.
"""

import os
import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from exchange_db.intermediate import schema
from exchange_db.intermediate.partner import PartnerRefused, engine_of
from exchange_db.intermediate.schema import Table
from exchange_db.regions import region_of

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class LinkFileInvalid(Exception):
    """A link file cannot be used; says which, where and what to do, in both languages."""


class Manner(StrEnum):
    """Whose tables are used."""

    OURS = "ours"
    THEIRS = "theirs"


#: Tables a link file may name: those that carry records, counts and codes.
_EXCHANGED = [table.name for table in (*schema.SHARED, schema.FIGURE, schema.CODE_LIST)]


class Capture(StrEnum):
    """How changes are seen (see ``docs/intermediate-database.md`` for what each guarantees)."""

    LOG = "log"  # the database's own log
    KEY_LOG = "key_log"  # triggers note the keys of changed rows
    STATUS = "status"  # the partner sets a status column, we answer in it
    TIMESTAMP = "timestamp"  # a column of change times, read again with an overlap


class SourceTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the partner's own that is read.

    ``mapping`` is a mapping file beside the link file; ``key`` the columns that name a row. ``column`` is the status
    or time column of those captures; ``new``, ``taken``, ``done``, ``failed`` the values of a status column. A row
    that is committed at most ``overlap_seconds`` after the time in its time column is seen.
    """

    name: str
    key: tuple[str, ...]
    mapping: str
    capture: Capture | None = None
    column: str = ""
    new: str = "0"
    taken: str = "1"
    done: str = "2"
    failed: str = "9"
    overlap_seconds: Annotated[int, msgspec.Meta(ge=0, le=604_800)] = 600


class TargetTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the partner's own that is written: a section's rows, column by column.

    ``section`` is a table of ours without its ``x_`` (``assignment``); ``columns`` maps the partner's columns to ours;
    ``words`` maps our words to the partner's, by the partner's column.
    """

    name: str
    key: tuple[str, ...]
    section: str
    columns: dict[str, str]
    words: dict[str, dict[str, str]] = {}
    constants: dict[str, str] = {}


class DatabaseLink(Struct, frozen=True, forbid_unknown_fields=True):
    """One partner. ``folder`` is where the file lies.

    ``most_rows_per_second`` spares a weak machine, 0 for no limit; rows and receipts older than ``keep_days`` are taken
    away there, 0 for never.
    ``tables`` are those of ours that are exchanged, empty for all.
    A table of which more than ``most_refused_per_hour`` rows are refused is not read on until somebody looks at it.
    At most about ``most_kept_mb`` of rows are kept here unread when many come at once; then reading waits.
    """

    peer: str
    name: str
    url: str
    manner: Manner = Manner.OURS
    capture: Capture = Capture.KEY_LOG
    zone: str = "Asia/Shanghai"
    most_refused_per_hour: Annotated[int, msgspec.Meta(ge=1)] = 10_000
    most_kept_mb: Annotated[int, msgspec.Meta(ge=1)] = 512
    source: tuple[SourceTable, ...] = ()
    target: tuple[TargetTable, ...] = ()
    most_rows_per_second: Annotated[int, msgspec.Meta(ge=0)] = 0
    keep_days: Annotated[int, msgspec.Meta(ge=0)] = 90
    tables: tuple[str, ...] = ()
    folder: Path = Path()

    @property
    def engine(self) -> str:
        """The dialect of the partner's database."""
        return engine_of(self.url)

    def exchanges(self, table: Table) -> bool:
        """Tells whether one of our tables is exchanged."""
        return self.manner is Manner.OURS and (not self.tables or table.name in self.tables)


def read_links(folder: Path) -> dict[str, DatabaseLink]:
    """Returns the links of a folder by the partner's name; none if there is no such folder.

    Raises:
        LinkFileInvalid: a file cannot be used.
    """
    links: dict[str, DatabaseLink] = {}
    for path in sorted(folder.glob("*.toml")):
        link = read_link(path)
        if link is None:
            continue
        if link.peer in links:
            raise _invalid(path, "peer", f"{link.peer} 已有另一个文件 / has another file already")
        links[link.peer] = link
    return links


def find_link(folder: Path, peer_id: str) -> DatabaseLink:
    """Returns the link to one partner; what is wrong with other partners' files does not matter.

    Raises:
        LinkFileInvalid: its file cannot be used, or there is none.
    """
    invalid: LinkFileInvalid | None = None
    for path in sorted(folder.glob("*.toml")):
        try:
            link = read_link(path)
        except LinkFileInvalid as error:
            invalid = error
            continue
        if link is not None and link.peer == peer_id:
            return link
    raise invalid or LinkFileInvalid(f"{folder}：没有 {peer_id} 的链路文件 / there is no link file for {peer_id}")


def read_link(path: Path) -> DatabaseLink | None:
    """Reads one file; ``None`` for a mapping, which may lie beside it.

    Raises:
        LinkFileInvalid: it cannot be used.
    """
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _invalid(path, "", f"不是 UTF-8 的 TOML 文件 / no TOML in UTF-8: {error}") from None
    if "issuer_id" in values:
        return None
    try:
        link = msgspec.convert({**values, "folder": str(path.parent)}, DatabaseLink, dec_hook=_as_path)
        url = _filled(link.url, path)
        engine_of(url)
        region_of(link.peer)
    except msgspec.ValidationError as error:
        told, _, place = str(error).partition(" - at `$.")
        raise _invalid(path, place.rstrip("`"), told) from None
    except PartnerRefused as error:
        raise _invalid(path, "url", str(error)) from None
    except ValueError:
        raise _invalid(path, "peer", "应为平台名，如 431221.platform / must be like 431221.platform") from None
    if link.manner is Manner.THEIRS and not (link.source or link.target):
        told = 'manner = "theirs" 需要 [[source]] 或 [[target]] / wants [[source]] or [[target]]'
        raise _invalid(path, "source", told)
    if strange := [name for name in link.tables if name not in _EXCHANGED or link.manner is Manner.THEIRS]:
        told = f"{strange[0]}：只能是本方表 / must be tables of ours: {', '.join(_EXCHANGED)}"
        raise _invalid(path, "tables", told)
    return msgspec.structs.replace(link, url=url)


def _filled(url: str, path: Path) -> str:
    def value_of(match: re.Match[str]) -> str:
        value = os.environ.get(match[1])
        if value is None:
            raise _invalid(path, "url", f"环境变量 {match[1]} 未设置 / the variable {match[1]} is not set")
        return value

    return _VARIABLE.sub(value_of, url)


def _as_path(kind: type[Any], value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(kind)


def _invalid(path: Path, place: str, told: str) -> LinkFileInvalid:
    return LinkFileInvalid(f"{path.name}{f'：{place}' if place else ''}：{told}")
