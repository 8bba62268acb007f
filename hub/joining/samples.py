"""Trying a mapping on some rows: which become records, which are refused, and why. Pure but for a folder of its own.

The readers of ``connectors`` read files, so text and sample are put into a folder that is gone afterwards. No path of
it is told.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import msgspec

from connectors.leaves import leaves
from connectors.mapping import MappedRow, map_row
from connectors.mapping_file import Mapping, MappingInvalid, read_mapping
from connectors.sheets import SheetInvalid, read_rows
from exchange_db.records import Case, Component, Violated, Violation

#: Most bytes of a sample, rows that are tried, and rows that are shown.
MOST_BYTES, MOST_ROWS, SHOWN_ROWS = 700_000, 2_000, 40
#: Most letters of a mapping.
MOST_LETTERS = 200_000
_SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".json", ".xlsx", ".geojson", ".gpkg")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: In a package the examples lie beside this file, among the sources in the documents.
_EXAMPLES = (Path(__file__).parent / "examples", Path(__file__).parents[2] / "docs" / "examples")
_ISSUER = re.compile(r'^issuer_id = "([^"]+)"', re.MULTILINE)


class ShownRow(NamedTuple):
    """One row: its number, the fields it fills (times in the mapping's zone), or why it is refused."""

    number: int
    fields: tuple[tuple[str, str], ...]
    violation: Violation | None


class Preview(NamedTuple):
    """What a mapping makes of a sample; ``is_cut`` when there were more than ``MOST_ROWS``."""

    mapped_count: int
    refused_count: int
    rows: tuple[ShownRow, ...]
    is_cut: bool


def templates() -> dict[str, Path]:
    """Returns the mappings that ship, by name: examples (``generic`` for an ordinary sheet), and those of leaves."""
    # The ordinary one comes first.
    found = {"generic": Path()} | {path.stem: path for folder in _EXAMPLES for path in sorted(folder.glob("*.toml"))}
    for leaf in leaves().values():
        found |= {f"{leaf.name}/{path.stem}": path for path in sorted(leaf.folder.glob("*.toml"))}
    return {name: path for name, path in found.items() if path.is_file() and _issuer_of(path)}


def _issuer_of(path: Path) -> str:
    issuer = _ISSUER.search(path.read_text(encoding="utf-8"))
    return issuer[1] if issuer else ""


def template(name: str, peer_id: str) -> str:
    """Returns the text of a mapping that ships, made out to a platform; empty for a name nobody ships."""
    path = templates().get(name)
    if path is None:
        return ""
    text, issuer_id = path.read_text(encoding="utf-8"), _issuer_of(path)
    return text.replace(issuer_id, peer_id).replace(f'"{issuer_id[:6]}"', f'"{peer_id[:6]}"')


def require_sample(name: str, content: bytes) -> None:
    """Checks that a file can be a sample.

    Raises:
        Violated: SAMPLE_INVALID.
    """
    if not name.lower().endswith(_SUFFIXES):
        raise Violated("SAMPLE_INVALID", "sample", f"{name or '—'}（{' '.join(_SUFFIXES)}）")
    if not content or len(content) > MOST_BYTES:
        raise Violated("SAMPLE_INVALID", "sample", f"1–{MOST_BYTES} B, {len(content)} B")


def require_mapping(text: str, peer_id: str) -> None:
    """Checks a mapping by itself.

    Raises:
        Violated: MAPPING_UNUSABLE, with every problem found.
    """
    with tempfile.TemporaryDirectory() as folder:
        _read(Path(folder), text, peer_id)


def preview(text: str, peer_id: str, sample_name: str, sample: bytes) -> Preview:
    """Tries a mapping on a sample.

    Args:
        text: the mapping, TOML.
        peer_id: the platform whose mapping it must be.
        sample_name: name of the file the rows came in; its ending tells the format.
        sample: its content.

    Raises:
        Violated: MAPPING_UNUSABLE or SAMPLE_INVALID.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mapping = _read(folder, text, peer_id)
        path = _placed(folder, sample_name, sample)
        mapped, refused, shown, is_cut = 0, 0, list[ShownRow](), False
        try:
            for row in read_rows(path, mapping.encoding):
                if mapped + refused == MOST_ROWS:
                    is_cut = True
                    break
                made = map_row(mapping, row)
                mapped, refused = mapped + (made.violation is None), refused + (made.violation is not None)
                if len(shown) < SHOWN_ROWS:
                    shown.append(_shown(made, mapping.clock.zone))
        except SheetInvalid as error:
            raise Violated("SAMPLE_INVALID", "sample", _without(folder, str(error))) from None
    return Preview(mapped, refused, tuple(shown), is_cut)


def _read(folder: Path, text: str, peer_id: str) -> Mapping:
    path = folder / "mapping.toml"
    path.write_text(text[:MOST_LETTERS], encoding="utf-8")
    try:
        mapping = read_mapping(path)
    except MappingInvalid as error:
        raise Violated("MAPPING_UNUSABLE", "mapping", _without(folder, str(error))) from None
    if mapping.issuer_id != peer_id:
        raise Violated("MAPPING_UNUSABLE", "mapping", f'issuer_id = "{peer_id}" ≠ "{mapping.issuer_id}"')
    return mapping


def _placed(folder: Path, name: str, content: bytes) -> Path:
    """Writes a sample; a list of objects in JSON becomes lines of them."""
    suffix = next((ending for ending in _SUFFIXES if name.lower().endswith(ending)), "")
    if suffix == ".json":
        try:
            rows = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Violated("SAMPLE_INVALID", "sample", error) from None
        if not isinstance(rows, list):
            raise Violated("SAMPLE_INVALID", "sample", "[{…}, {…}]")
        content = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()
        suffix = ".jsonl"
    path = folder / f"sample{suffix}"
    path.write_bytes(content)
    return path


def _without(folder: Path, text: str) -> str:
    return text.replace(f"{folder}/", "").replace(str(folder), "")


def _shown(row: MappedRow, zone: tzinfo) -> ShownRow:
    fields = () if row.record is None else tuple(_fields_of(row.record, zone))
    return ShownRow(row.number, fields, row.violation)


def _fields_of(record: Case | Component, zone: tzinfo) -> Iterator[tuple[str, str]]:
    if isinstance(record, Component):
        yield from _said(record, "component", zone)
        return
    yield "case_no", record.case_no
    for name in ("report", "assignment", "handling", "verdict"):
        if (section := getattr(record, name)) is not None:
            yield from _said(section, name, zone)


def _said(section: msgspec.Struct, name: str, zone: tzinfo) -> Iterator[tuple[str, str]]:
    for field, value in msgspec.structs.asdict(section).items():
        if not value:
            continue
        if field.endswith("_time"):
            shown = f"{(_EPOCH + timedelta(microseconds=value)).astimezone(zone):%Y-%m-%d %H:%M:%S}"
        else:
            shown = value.name if isinstance(value, IntEnum) else str(value)
        yield f"{name}.{field}", shown
