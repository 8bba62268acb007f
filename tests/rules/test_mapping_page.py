"""The page about mappings tells what the code does: keys, fields, limits, examples and output."""

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from connectors.mapping import map_row
from connectors.mapping_file import _CELL, _CLASS, _TOP, _Reading, read_mapping
from connectors.mapping_model import CASE_NO, FIELDS, Field, Kind
from connectors.mapping_values import SPECIAL_FORMATS
from connectors.sheets import read_rows
from exchange_db.reasons import REASONS
from hub.cli import mapping  # noqa: F401 — defines the command
from hub.cli.app import app
from hub.statistics.value_names import SOURCES
from tests.support.sources import ROOT

_EXAMPLES = ROOT / "docs" / "examples"
_PAGE = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| (`\w+`) \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)
#: What the three faults of the page's second and third example are made of.
_SHEET_FAULTS = (
    ("08:40:00,环卫所,2020-03-02", "08:40:00,园林所,2020-03-02"),
    ("2020-03-03 09:02:00", "2020-3-3 上午9时"),
    ("109.94788", "109.94788°"),
)
_MAPPING_FAULTS = (("unit_code = ", "unit_cod = "), ('"FILED"', '"LODGED"'))


def shown_name(field: Field) -> str:
    """The name of a field as a mapping has it."""
    return "class" if field.name == "class_code" else field.name


def told_of(field: Field) -> tuple[str, ...]:
    """The cells the page has on a field: name, whether it must be filled, kind, limits."""
    return f"`{shown_name(field)}`", "yes" if field.is_required else "", field.kind.value, _limits(field)


def _limits(field: Field) -> str:
    if field.choices is not None:
        return ", ".join(f"`{name}`" for name in field.choices.__members__)
    if field.name == "region_code":
        return "six digits"
    told = {Kind.TIME: "1990 to 2200", Kind.TRUTH: "是 or 否", Kind.NUMBER: "decimal"}
    if field.kind in told:
        return told[field.kind]
    bounds = msgspec.inspect.type_info(field.limits)
    if isinstance(bounds, msgspec.inspect.IntType):
        return f"{bounds.ge:,} to {bounds.le:,}"
    assert isinstance(bounds, msgspec.inspect.StrType)
    least = f"{bounds.min_length} to " if bounds.min_length else "up to "
    return f"{least}{bounds.max_length:,} characters"


@pytest.mark.parametrize("section", FIELDS)
def test_the_page_tells_of_every_field_and_of_no_other(section: str) -> None:
    text = _PAGE.partition(f"\n### `[{section}]`")[2].partition("\n#")[0]
    found = _ROW.findall(text)
    assert [row[:4] for row in found] == [told_of(field) for field in FIELDS[section].values()]
    assert all(row[4].strip() for row in found)


def test_the_page_names_every_key() -> None:
    quoted = set(re.findall(r"`([^`\n]+)`", _PAGE)) | set(re.findall(r"^\| `(\w+)`", _PAGE, re.MULTILINE))
    wanted = {*_TOP, *_CELL, *_CLASS, *SPECIAL_FORMATS, CASE_NO.name, "zone", "missing", "ambiguous", "when", "filled"}
    wanted |= {"in", "position"}
    assert sorted(name for name in wanted if name not in quoted and f"[{name}]" not in quoted) == []


def test_the_page_names_every_source() -> None:
    text = _PAGE.partition("\n### Sources")[2].partition("\n#")[0]
    told = dict(re.findall(r"`(\w+)` \(([^)]+)\)", text))
    assert told == {name: words[0] for name, words in SOURCES.items()}


def test_the_page_names_no_reason_that_is_none() -> None:
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", _PAGE))
    states = {name for fields in FIELDS.values() for field in fields.values() for name in _members(field)}
    assert len(named & REASONS.keys()) > 5
    assert named - REASONS.keys() - states == set()


def _members(field: Field) -> list[str]:
    return list(field.choices.__members__) if field.choices is not None else []


@pytest.mark.parametrize("block", [text for language, text in _BLOCKS if language == "toml"])
def test_every_fragment_fits_into_the_example(block: str) -> None:
    document: dict[str, Any] = tomllib.loads((_EXAMPLES / "generic.toml").read_text(encoding="utf-8"))
    for name, value in tomllib.loads(block).items():
        if name in ("times", "tables", *FIELDS):
            document[name] |= value
        else:
            document[name] = value
    reading = _Reading(Path("county.toml"))
    assert reading.mapping(document, "") is not None
    assert reading.problems == []


def _output(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["mapping", "check", *words], env={"COLUMNS": "100"})
    return result.exit_code, "\n".join(line.rstrip() for line in result.output.splitlines())


def _damaged(source: Path, faults: tuple[tuple[str, str], ...]) -> str:
    text = source.read_text(encoding="utf-8")
    for right, wrong in faults:
        assert right in text
        text = text.replace(right, wrong)
    return text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, ("generic.csv", "--mapping", "generic.toml", "--rows", "1")),
        (1, ("broken.csv", "--mapping", "generic.toml", "--rows", "0")),
        (2, ("generic.csv", "--mapping", "broken.toml")),
    ],
    ids=["good", "sheet", "mapping"],
)
def test_the_output_that_is_shown_is_real(
    code: int, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("generic.csv", "generic.toml"):
        shutil.copy(_EXAMPLES / name, tmp_path)
    (tmp_path / "broken.csv").write_text(_damaged(_EXAMPLES / "generic.csv", _SHEET_FAULTS), encoding="utf-8")
    (tmp_path / "broken.toml").write_text(_damaged(_EXAMPLES / "generic.toml", _MAPPING_FAULTS), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found, output = _output(*words)
    assert found == code
    shown = [text for language, text in _BLOCKS if language == "text"]
    assert f"$ sanji mapping check {' '.join(words)}\n{output}\n" in shown


def test_the_worked_example_comes_out_as_the_page_says() -> None:
    plan = read_mapping(_EXAMPLES / "generic.toml")
    cases = [map_row(plan, row).case for row in read_rows(_EXAMPLES / "generic.csv", plan.encoding)]
    told = re.findall(r"^\| (ZF2020-\d{4}) \| [^|]+ \| ([^|]*) \| [^|]+ \|$", _PAGE, re.MULTILINE)
    assert len(told) > 4
    sections = {case.case_no: [name for name in FIELDS if getattr(case, name) is not None] for case in cases if case}
    assert [(number, ", ".join(f"`{name}`" for name in sections[number])) for number, _ in told] == told
