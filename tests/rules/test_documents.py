"""What the documents name is there: files, functions, links, commands, make targets, measures."""

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import typer.main

from exchange_db.tables import METADATA
from hub.cli import app as command_line
from hub.console.measures import MEASURES
from hub.doors import PAGE_DOORS
from tests.support.sources import ROOT, modules, place

_PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CHANGELOG.md")),
        *(ROOT / "docs").rglob("*.md"),
    ]
)
_FOLDERS = ("auth", "bench", "conformance", "connectors", "deploy", "docs", "exchange_db", "hub", "protos", "tests")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(rf"(?:{'|'.join(_FOLDERS)})/[\w./*-]*")
#: "`name` (`path`)" and "`name`, `other` and `third` in `path`": where the page says a name is defined.
_NAME = r"`(?:[\w.]+)`"
_PLACED = re.compile(rf"((?:{_NAME}, )*(?:{_NAME} and )?{_NAME}) (?:\(|in )`([\w/]+\.py)`")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w+(?:\.[A-Za-z_]\w+)*")
#: A path from the root of a machine, of two parts or more; and where a system keeps what is its own, or a call by REST.
_ABSOLUTE = re.compile(r"(?<![\w.:/\])<>~…*-])/\w+/[\w.-]+")
_SYSTEM = ("/etc/", "/opt/", "/usr/", "/v1/", "/var/")
#: Addresses of pages, which are folders of no machine.
_SERVED = tuple(f"/{way.split('/')[1]}/" for way in PAGE_DOORS if way.count("/") > 1)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
#: Words that are not ours: of SQL, Python, protobuf and gRPC, and the name of a stream.
_FOREIGN = frozenset({"COPY", "RESOURCE_EXHAUSTED", "int", "one", "oneof", "timestamptz"})


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _prose(path: Path) -> str:
    return _FENCE.sub("", _read(path))


def _anchor(heading: str) -> str:
    """The anchor a heading gets: small letters, spaces as hyphens, no punctuation."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", _PAGES, ids=place)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in _LINK.findall(_prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        anchors = map(_anchor, _HEADING.findall(_prose(file))) if anchor and file.is_file() else ()
        if not file.is_file() or (anchor and anchor not in anchors):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", _PAGES, ids=place)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = {text for quoted in _QUOTED.findall(_prose(page)) for text in _PATH.findall(quoted) if text == quoted}
    assert [text for text in sorted(named) if not list(ROOT.glob(text.rstrip("/")))] == []


def _defined_in(path: Path) -> set[str]:
    """Names a module defines: functions, classes with their methods and fields, constants."""
    found: set[str] = set()

    def collect(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(prefix + node.name)
            elif isinstance(node, ast.ClassDef):
                found.add(prefix + node.name)
                collect(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(prefix + node.target.id)
            elif isinstance(node, ast.Assign):
                found.update(prefix + name for name in _assigned(node))

    collect(ast.parse(_read(path)).body, "")
    return found


def _assigned(node: ast.Assign) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id


def test_a_function_is_where_the_architecture_says_it_is() -> None:
    placed = [
        (name, path) for names, path in _PLACED.findall(_prose(ROOT / "ARCHITECTURE.md")) for name in _parts(names)
    ]
    assert len(placed) > 50
    assert [(name, path) for name, path in placed if name not in _defined_in(ROOT / path)] == []


def _parts(names: str) -> list[str]:
    return [name for name in _QUOTED.findall(names) if "/" not in name]


@cache
def _known_names() -> frozenset[str]:
    """Every name of the project's own: Python, contract, tables, columns, settings."""
    found: set[str] = set(METADATA.tables)
    found.update(column.name for table in METADATA.tables.values() for column in table.columns)
    found.update(f"{table.name}.{column.name}" for table in METADATA.tables.values() for column in table.columns)
    for path in modules(*(name for name in _FOLDERS if name not in ("docs", "protos"))):
        defined = _defined_in(path)
        found |= defined | {name.rpartition(".")[2] for name in defined}
    for path in (ROOT / "protos").rglob("*.proto"):
        text = _read(path)
        messages = re.findall(r"^(?:message|enum|service) (\w+)", text, re.MULTILINE)
        fields = re.findall(r"^\s+(?:repeated )?[\w.]+ (\w+) = \d+", text, re.MULTILINE)
        values = re.findall(r"^\s+(\w+) = \d+", text, re.MULTILINE)
        found.update(messages, fields, values, re.findall(r"\brpc (\w+)", text))
    settings = re.findall(r"^## \[(\w+)\]|^\| `(\w+)` \|", _read(ROOT / "docs" / "settings.md"), re.MULTILINE)
    section = ""
    for opened, name in settings:
        section = opened or section
        found |= {section, name, f"{section}.{name}", f"settings.{section}.{name}"}
    packages = {path.name for name in _FOLDERS for path in (ROOT / name).rglob("*") if path.is_dir()}
    reasons = set(_QUOTED.findall(_read(ROOT / "docs" / "errors.md")))
    return frozenset(found | packages | reasons | set(_FOLDERS) | {path.name for path in ROOT.iterdir()})


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "docs/limits.md", "docs/glossary.md"])
def test_every_name_in_a_page_about_the_code_is_in_the_code(page: str) -> None:
    quoted = [text for text in dict.fromkeys(_QUOTED.findall(_prose(ROOT / page))) if _IDENTIFIER.fullmatch(text)]
    assert len(quoted) > 10
    assert [text for text in quoted if text not in _known_names() | _FOREIGN] == []


@pytest.mark.parametrize("page", _PAGES, ids=place)
def test_every_measure_that_is_named_is_measured(page: Path) -> None:
    named = {text for text in _QUOTED.findall(_prose(page)) if re.fullmatch(r"sanji_[a-z_]+", text)}
    assert named - MEASURES.keys() == set()


@pytest.mark.parametrize("page", _PAGES, ids=place)
def test_no_page_names_a_folder_of_one_machine(page: Path) -> None:
    assert [path for path in _ABSOLUTE.findall(_read(page)) if not path.startswith(_SYSTEM + _SERVED)] == []


@cache
def _command() -> Any:
    for name in (*command_line.COMMANDS, *chain.from_iterable(command_line.BESIDE.values())):
        importlib.import_module(f"hub.cli.{name.replace('-', '_')}")
    return typer.main.get_command(command_line.app)


def _told_commands(page: Path) -> Iterator[list[str]]:
    """Commands of ours that a page shows, in words: lines of shell blocks, and quoted ones."""
    for language, block in _FENCE.findall(_read(page)):
        if language == "sh":
            for line in block.replace("\\\n", " ").splitlines():
                yield shlex.split(line.partition(" #")[0], comments=True)
    for quoted in _QUOTED.findall(_prose(page)):
        if re.match(r"(sanji|make) [a-z]", quoted):
            yield quoted.split()


def _fault_of(words: list[str]) -> str:
    """What is wrong with a ``sanji`` command; empty when nothing is."""
    command = _command()
    for position, word in enumerate(words[1:]):
        inner = getattr(command, "commands", {})
        if word in inner:
            command = inner[word]
        elif inner and position <= 1 and not word.startswith("-"):
            return f"no command {word}"
        elif word.startswith("--"):
            options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
            if word.partition("=")[0] not in {*options, "--help"}:
                return f"no option {word}"
    return ""


@pytest.mark.parametrize("page", _PAGES, ids=place)
def test_every_command_that_is_shown_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", _read(ROOT / "Makefile"), re.MULTILINE))
    faults = []
    for words in _told_commands(page):
        if words[:1] == ["make"] and not set(words[1:2]) <= targets:
            faults.append((words, "no target"))
        elif words[:1] == ["sanji"] and (fault := _fault_of(words)):
            faults.append((words, fault))
    assert faults == []


def test_the_commands_of_the_quick_start_are_seen() -> None:
    shown = [words for words in _told_commands(ROOT / "README.zh-CN.md") if words[:1] == ["sanji"]]
    assert len(shown) > 10


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert _fault_of(["sanji", "fly"])
    assert _fault_of(["sanji", "peers", "fly"])
    assert _fault_of(["sanji", "push", "--wings"])
    assert not _fault_of(["sanji", "figures", "cases", "--counter", "done"])


def test_every_decision_is_listed_numbered_and_dated() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    assert [path.name[:4] for path in records] == [f"{number:04d}" for number in range(1, len(records) + 1)]
    listed = _LINK.findall(_read(folder / "README.md"))
    for record in records:
        lines = _read(record).splitlines()
        assert record.name in listed
        assert lines[0].startswith(f"# {record.name[:4]} ")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d · (accepted|superseded by \d{4})", lines[2])
        assert {"## Context", "## Decision", "## Consequences", "## Alternatives"} <= set(lines)
