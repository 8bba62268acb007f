"""``sanji mapping check``: what a mapping makes of a file, before anything is sent."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from connectors.mapping import MappedRow, Unmapped, find_unmapped, map_row
from connectors.mapping_file import Mapping, MappingInvalid, read_mapping
from connectors.sheets import SheetInvalid, SheetRow, read_rows
from exchange_db.records import Case, Component, Violation
from hub.cli import terminal
from hub.cli.app import app
from hub.cli.terminal import fail, plain

commands = typer.Typer(no_args_is_help=True, help="映射：报送前试算。 / Mappings: try one before pushing.")
app.add_typer(commands, name="mapping")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Most different values and case numbers that are remembered; a report need not know more.
_MOST_VALUES, _MOST_CASES = 10_000, 1_000_000
_SHOWN_VALUES = 50


class _Survey:
    """What became of the rows of a file, in bounded memory."""

    def __init__(self, mapping: Mapping, shown: int) -> None:
        self._mapping = mapping
        self._shown = shown
        self._case_hashes: set[int] = set()
        self.first: list[MappedRow] = []
        self.row_count = self.accepted_count = self.repeated_count = self.unlisted_count = 0
        self.refused: Counter[tuple[str, str]] = Counter()
        self.examples: dict[tuple[str, str], tuple[int, Violation]] = {}
        self.unmapped: Counter[Unmapped] = Counter()

    def add(self, row: SheetRow) -> None:
        """Takes one row into account."""
        mapped = map_row(self._mapping, row)
        self.row_count += 1
        if len(self.first) < self._shown:
            self.first.append(mapped)
        if mapped.record is not None:
            self.accepted_count += 1
            self._note_number(mapped.record)
        elif mapped.violation is not None:
            key = mapped.violation.reason, mapped.violation.field_path
            self.refused[key] += 1
            self.examples.setdefault(key, (mapped.number, mapped.violation))
            for value in find_unmapped(self._mapping, row):
                if value in self.unmapped or len(self.unmapped) < _MOST_VALUES:
                    self.unmapped[value] += 1
                else:
                    self.unlisted_count += 1

    def _note_number(self, record: Case | Component) -> None:
        mark = hash(record.case_no if isinstance(record, Case) else record.component_id)
        if mark in self._case_hashes:
            self.repeated_count += 1
        elif len(self._case_hashes) < _MOST_CASES:
            self._case_hashes.add(mark)

    def as_json(self) -> dict[str, Any]:
        """Returns everything found, for scripts."""
        return {
            "rows": self.row_count,
            "accepted": self.accepted_count,
            "refused": self.row_count - self.accepted_count,
            "repeated_case_numbers": self.repeated_count,
            "refusals": [
                {"reason": key[0], "field": key[1], "count": count, "first_row": self.examples[key][0]}
                | {"message": self.examples[key][1].message, "message_zh": self.examples[key][1].message_zh}
                for key, count in self.refused.most_common()
            ],
            "unmapped": [value._asdict() | {"count": count} for value, count in self.unmapped.most_common()],
            "unmapped_unlisted": self.unlisted_count,
            "first": [
                {"row": row.number, "fields": dict(_fields_of(row.record, self._mapping.clock.zone))}
                if row.record is not None
                else {"row": row.number, "refused": msgspec.structs.asdict(row.violation or _NONE)}
                for row in self.first
            ],
        }


_NONE = Violation("", "", "", "")


@commands.command()
def check(
    file: Annotated[Path, typer.Argument(help="CSV、JSONL（可加 .gz）或 XLSX 文件 / the sheet")],
    mapping: Annotated[Path, typer.Option(help="映射文件 / mapping file")],
    rows: Annotated[int, typer.Option(min=0, max=50, help="显示前几行 / how many first rows to show")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """试算：前几行的结果、未映射的值、将被拒绝的行；不发送。 / Map a file without sending it."""
    try:
        plan = read_mapping(mapping)
        survey = _Survey(plan, rows)
        for row in read_rows(file, plan.encoding):
            survey.add(row)
    except (MappingInvalid, SheetInvalid) as error:
        fail(str(error))
    if as_json:
        print(terminal.as_json(survey.as_json()))
    else:
        _print(survey, plan)
    raise typer.Exit(0 if survey.accepted_count == survey.row_count else 1)


def _print(survey: _Survey, mapping: Mapping) -> None:
    console = Console()
    _print_first(console, survey, mapping.clock.zone)
    if survey.unmapped:
        table = Table("列", "值", "次数", "补到", title="未映射的值 / Values without an entry")
        for value, count in survey.unmapped.most_common(_SHOWN_VALUES):
            table.add_row(plain(value.columns), plain(value.value[:80]), f"{count:,}", plain(f"[tables.{value.table}]"))
        console.print(table)
        hidden = len(survey.unmapped) - _SHOWN_VALUES
        if hidden > 0 or survey.unlisted_count:
            console.print(f"另有 {max(hidden, 0):,} 个值，见 --json。 / More values with --json.")
    if survey.refused:
        table = Table(
            "原因", "字段", "行数", "首行", "说明 / what to do", title="将被拒绝的行 / Rows that would be refused"
        )
        for key, count in survey.refused.most_common():
            number, violation = survey.examples[key]
            told = f"{plain(violation.message_zh)}\n{plain(violation.message)}"
            table.add_row(*key, f"{count:,}", str(number), told)
        console.print(table)
    refused = survey.row_count - survey.accepted_count
    console.print(f"共 {survey.row_count:,} 行，可报送 {survey.accepted_count:,} 行，将被拒绝 {refused:,} 行。")
    console.print(f"{survey.row_count:,} rows: {survey.accepted_count:,} can be sent, {refused:,} would be refused.")
    if survey.repeated_count:
        console.print(
            f"注意：{survey.repeated_count:,} 行的案件编号重复；同一案件须以更高的 revision 报送改动。"
            " / Case numbers repeat: changes need a higher revision."
        )


def _print_first(console: Console, survey: _Survey, zone: tzinfo) -> None:
    if not survey.first:
        return
    columns = [dict(_fields_of(row.record, zone)) if row.record is not None else {} for row in survey.first]
    table = Table("字段 / field", *(f"第 {row.number} 行" for row in survey.first), title="前几行 / First rows")
    for name in dict.fromkeys(name for column in columns for name in column):
        table.add_row(name, *(plain(column.get(name, "")) for column in columns))
    table.add_row("→", *(row.violation.reason if row.violation else "✓" for row in survey.first))
    console.print(table)


def _fields_of(record: Case | Component, zone: tzinfo) -> Iterator[tuple[str, str]]:
    """Yields the fields of a record that say something, times in the zone of the mapping."""
    if isinstance(record, Component):
        yield from _said(record, "component", zone)
        return
    yield "case_no", record.case_no
    for name in ("report", "assignment", "handling", "verdict"):
        section = getattr(record, name)
        if section is not None:
            yield from _said(section, name, zone)


def _said(section: msgspec.Struct, name: str, zone: tzinfo) -> Iterator[tuple[str, str]]:
    for field, value in msgspec.structs.asdict(section).items():
        if not value:
            continue
        if field.endswith("_time"):
            shown = str((_EPOCH + timedelta(microseconds=value)).astimezone(zone))
        else:
            shown = value.name if isinstance(value, IntEnum) else str(value)
        yield f"{name}.{field}", shown
