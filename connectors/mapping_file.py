"""Reads a mapping file (TOML) and checks all of it before the first row: fields, columns, tables, codes, formats.

What is wrong is told with file, key, problem and remedy, all at once. ``docs/mapping.md`` describes the file.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.mapping_model import (
    CASE_NO,
    COMPONENT_FIELDS,
    FIELDS,
    RECORDS,
    Cell,
    Condition,
    Field,
    Kind,
    Mapping,
    Section,
    Table,
)
from connectors.mapping_values import SPECIAL_FORMATS, Choice, Clock, half_width
from exchange_db.records import CodeKind, Component
from exchange_db.regions import region_of

__all__ = ["Mapping", "MappingInvalid", "read_mapping"]

_VERSION = 1
_TOP = ("version", "issuer_id", "encoding", "empty_values", "case_no", "times", "tables", "component", *FIELDS)
_CELL = ("column", "columns", "separator", "table", "part", "default", "formats", "width", "whole_number")
_CLASS = (*_CELL, "standard_ref", "kind")
_SAMPLE = datetime(2020, 11, 23, 21, 46, 57)  # noqa: DTZ001 — to try formats on


class MappingInvalid(Exception):
    """A mapping cannot be used. ``problems`` are (Chinese, English), each naming file, key, problem and remedy."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{chinese}\n  {english}" for chinese, english in problems))
        self.problems = problems


def read_mapping(path: Path) -> Mapping:
    """Reads and checks a mapping file.

    Raises:
        MappingInvalid: it cannot be used; carries every problem found.
    """
    try:
        content = path.read_bytes()
        document = tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        _stop(
            path, f"无法读取（{error.strerror}），请检查路径。", f"cannot be read ({error.strerror}); check the path."
        )
    except UnicodeDecodeError:
        _stop(path, "不是 UTF-8 编码，请另存为 UTF-8。", "not UTF-8; save it as UTF-8.")
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a plain ValueError
        _stop(path, f"不是有效的 TOML：{error}。", f"not valid TOML: {error}.")
    reading = _Reading(path)
    mapping = reading.mapping(document, hashlib.sha256(content).hexdigest())
    if reading.problems or mapping is None:
        raise MappingInvalid(reading.problems)
    return mapping


def _stop(path: Path, chinese: str, english: str) -> NoReturn:
    raise MappingInvalid([(f"映射文件 {path}：{chinese}", f"Mapping {path}: {english}")])


class _Reading:
    """One pass over a document; collects problems and goes on with harmless stand-ins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[tuple[str, str]] = []
        self.tables: dict[str, Table] = {}
        self.clock = Clock(ZoneInfo("UTC"))
        self.formats: tuple[str, ...] = ()

    def say(self, key: str, chinese: str, english: str) -> None:
        """Notes a problem."""
        self.problems.append((f"映射文件 {self.path}，{key}：{chinese}", f"Mapping {self.path}, {key}: {english}"))

    def mapping(self, document: dict[str, Any], digest: str) -> Mapping | None:
        """Reads the whole document; ``None`` when it is too broken for that."""
        self._known(document, _TOP, "")
        if document.get("version") != _VERSION:
            self.say("version", f"应写 version = {_VERSION}。", f"write version = {_VERSION}.")
        issuer_id = self._text(document, "issuer_id", "")
        try:
            region_of(issuer_id)
        except ValueError:
            self.say("issuer_id", "应为本平台标识，如 431221.platform。", "name the platform, such as 431221.platform.")
        encoding = self._text(document, "encoding", "").lower()
        if encoding not in ("", "utf-8", "utf-8-sig", "gb18030", "gbk"):
            self.say("encoding", "可用 utf-8、gb18030，或省略。", "use utf-8 or gb18030, or leave it out.")
        self._read_times(self._dictionary(document, "times", ""))
        for name, entries in self._dictionary(document, "tables", "").items():
            self.tables[name] = self._table(entries, f"tables.{name}")
        empty = {half_width(text) for text in self._texts(document, "empty_values", "")} | {""}
        if "component" in document:
            section = self._component(document)
            if section is None:
                return None
            return Mapping(issuer_id, digest, encoding, self.clock, frozenset(empty), self.tables, None, (section,))
        case_no = self._cell(CASE_NO, document.get("case_no"), "case_no")
        if case_no is not None and not case_no.columns:
            self.say("case_no", '必须取自某一列，如 { column = "案件编号" }。', "take it from a column.")
        sections = [self._section(name, document[name]) for name in FIELDS if name in document]
        if not sections:
            self.say("report", "至少要有一个部分，如 [report]。", "there must be a section, such as [report].")
        if case_no is None or None in sections:
            return None
        made = tuple(section for section in sections if section is not None)
        return Mapping(issuer_id, digest, encoding, self.clock, frozenset(empty), self.tables, case_no, made)

    def _component(self, document: dict[str, Any]) -> Section | None:
        for name in ("case_no", *FIELDS):
            if name in document:
                self.say(
                    name,
                    "一个映射文件只能报送案件或部件之一，请删去，或删去 [component]。",
                    "a mapping makes cases or components; take this out, or take [component] out.",
                )
        spec = document["component"]
        if isinstance(spec, dict) and "position" not in spec:
            self.say(
                "component.position",
                "缺少必填项，请写为 position = { crs, x, y }。",
                "is required; write position = { crs, x, y }.",
            )
        return self._section("component", spec)

    def _read_times(self, times: dict[str, Any]) -> None:
        self._known(times, ("zone", "formats", "missing", "ambiguous"), "times")
        name = self._text(times, "zone", "times")
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            zone = ZoneInfo("UTC")
            self.say("times.zone", "应为 IANA 时区名，如 Asia/Shanghai。", "name an IANA zone, such as Asia/Shanghai.")
        choices: list[Choice] = []
        for key in ("missing", "ambiguous"):
            choice = times.get(key, "refuse")
            if choice not in ("refuse", "earlier", "later"):
                self.say(f"times.{key}", "可用 refuse、earlier、later。", "use refuse, earlier or later.")
                choice = "refuse"
            choices.append(cast("Choice", choice))
        self.clock = Clock(zone, *choices)
        self.formats = self._formats(times, "times")
        if not self.formats:
            self.say(
                "times.formats", '请列出时间格式，如 ["%Y-%m-%d %H:%M:%S"]。', 'list formats: ["%Y-%m-%d %H:%M:%S"].'
            )

    def _formats(self, spec: dict[str, Any], key: str) -> tuple[str, ...]:
        formats = tuple(half_width(form) for form in self._texts(spec, "formats", key))
        for form in formats:
            if form in SPECIAL_FORMATS:
                continue
            try:
                datetime.strptime(_SAMPLE.strftime(form.replace("%z", "+0000")), form)  # noqa: DTZ007 — a trial
                is_dated = "%" in form
            except (ValueError, re.error):  # the same directive twice is an error of re
                is_dated = False
            if not is_dated:
                self.say(
                    f"{key}.formats",
                    f"{form} 不是 strptime 格式，也不是 {'、'.join(SPECIAL_FORMATS)}。",
                    f"{form} is no format of strptime, nor one of {', '.join(SPECIAL_FORMATS)}.",
                )
        return formats

    def _table(self, entries: object, key: str) -> Table:
        table: Table = {}
        if not isinstance(entries, dict):
            self.say(key, "应为一个小节，每行：原值 = 代码。", "must be a section of lines: value = code.")
            return table
        for value, entry in entries.items():
            normal = half_width(value)
            parts = entry if isinstance(entry, dict) else {"": entry, "code": entry}
            if normal in table:
                self.say(key, f"“{value}” 重复（全角半角视为相同）。", f'"{value}" stands twice but for its width.')
            for part, code in parts.items():
                if not isinstance(code, str | int) or isinstance(code, bool):
                    self.say(f'{key}."{value}" {part}', "代码应为加引号的文本。", "the code must be a text in quotes.")
            table[normal] = {part: str(code) for part, code in parts.items()}
        return table

    def _section(self, name: str, spec: object) -> Section | None:
        if not isinstance(spec, dict):
            self.say(name, f"应为一个小节 [{name}]。", f"must be a section [{name}].")
            return None
        fields = COMPONENT_FIELDS if name == "component" else FIELDS[name]
        spec = dict(spec)
        conditions = self._conditions(spec.pop("when", []), f"{name}.when")
        position = spec.pop("position", {})
        if position and isinstance(position, dict) and "crs" in fields:
            spec |= position
            for key in ("crs", "x", "y"):
                if key not in position:
                    self.say(f"{name}.position", f"缺少 {key}。", f"{key} is missing.")
        elif {"crs", "x", "y"} & spec.keys() or position:
            self.say(name, "坐标请写为 position = { crs, x, y }。", "write position = { crs, x, y }.")
        class_spec = spec.pop("class", None)
        known = [key for key in fields if key not in ("class_code", "crs", "x", "y")]
        known += ["when", "class", "position"] if "class_code" in fields else ["when"]
        self._known({key: 0 for key in spec if key not in ("crs", "x", "y")}, known, name)
        cells = [self._cell(fields[key], value, f"{name}.{key}") for key, value in spec.items() if key in fields]
        standard_ref, kind = "", ""
        if class_spec is not None and "class_code" in fields:
            standard_ref, kind = self._class(class_spec, f"{name}.class")
            cells.append(self._cell(fields["class_code"], class_spec, f"{name}.class"))
        made = tuple(cell for cell in cells if cell is not None)
        self._check_required(name, fields, spec, has_class=class_spec is not None)
        state = next((cell for cell in made if cell.field.name == "state"), None)
        if state is None:
            return None
        others = tuple(cell for cell in made if cell is not state)
        return Section(name, RECORDS.get(name, Component), state, others, conditions, standard_ref, kind)

    def _check_required(self, name: str, fields: dict[str, Field], spec: dict[str, Any], *, has_class: bool) -> None:
        for field in fields.values():
            if field.name == "class_code":
                # The assignment takes the class of the report unless it has its own.
                if not has_class and name in ("report", "component"):
                    self.say(f"{name}.class", "缺少必填项。", "is required; add it.")
            elif field.is_required and field.name not in spec:
                self.say(f"{name}.{field.name}", "缺少必填项，请补上。", "is required; add it.")

    def _class(self, spec: object, key: str) -> tuple[str, str]:
        if not isinstance(spec, dict) or "standard_ref" not in spec or "kind" not in spec:
            self.say(
                key,
                "应写明 standard_ref（如 GB/T-30428.2-2013）和 kind（event 事件或 component 部件）。",
                "state standard_ref (such as GB/T-30428.2-2013) and kind (event or component).",
            )
            return "", ""
        kinds = [self._text(spec, "kind", key)]
        entries = self.tables.get(self._text(spec, "table", key), {}).values()
        kinds += [entry["kind"] for entry in entries if "kind" in entry]
        for kind in kinds:
            if kind.upper() not in CodeKind.__members__:
                self.say(f"{key}.kind", f"{kind} 应为 event 或 component。", f"{kind} must be event or component.")
        return self._text(spec, "standard_ref", key), kinds[0]

    def _cell(self, field: Field, spec: object, key: str) -> Cell | None:
        if isinstance(spec, str | int | float):
            text = str(spec).lower() if isinstance(spec, bool) else str(spec)
            return self._checked(Cell(field, constant=text, formats=self._formats_for(field, {}, key)), key)
        if not isinstance(spec, dict):
            self.say(key, '应为常量或 { column = "列名" }。', 'must be a constant or { column = "name" }.')
            return None
        self._known(spec, _CLASS if field.name == "class_code" else _CELL, key)
        columns = tuple(self._texts(spec, "columns", key)) if "columns" in spec else (self._text(spec, "column", key),)
        if not all(columns) or not columns:
            self.say(key, '请写明列：{ column = "列名" }。', 'name the column: { column = "name" }.')
        table = self._text(spec, "table", key)
        if table and table not in self.tables:
            self.say(f"{key}.table", f"没有 [tables.{table}]，请补上。", f"there is no [tables.{table}]; add it.")
        cell = Cell(
            field,
            columns=columns,
            separator=self._text(spec, "separator", key) or ("/" if table else " "),
            table=table,
            part=self._text(spec, "part", key) or ("code" if field.name == "class_code" else ""),
            default=self._text(spec, "default", key) if "default" in spec else None,
            formats=self._formats_for(field, spec, key),
            width=self._whole(spec, "width", key),
            is_whole_number=spec.get("whole_number", False) is True,
        )
        return self._checked(cell, key)

    def _formats_for(self, field: Field, spec: dict[str, Any], key: str) -> tuple[str, ...]:
        if "formats" not in spec:
            return self.formats if field.kind is Kind.TIME else ()
        if field.kind is not Kind.TIME and field.name != "revision":
            self.say(f"{key}.formats", "只用于时间和 revision。", "is for times and revision only.")
            return ()
        return self._formats(spec, key)

    def _checked(self, cell: Cell, key: str) -> Cell:
        """Tries every constant a cell can yield on the contract."""
        table = self.tables.get(cell.table, {})
        texts = {entry.get(cell.part, "") for entry in table.values()} | {cell.constant, cell.default or ""}
        for text in sorted(texts - {""}):
            problem = cell.field.problem_of(text, cell.formats, self.clock)
            if problem:
                self.say(key, f"“{text}”不符合要求（{problem}），请改正。", f'"{text}" does not fit: {problem}.')
        if not cell.columns and not cell.constant:
            self.say(key, "常量为空，请填写或删去。", "the constant is empty; fill it in or leave the key out.")
        if table and not any(cell.part in entry for entry in table.values()):
            self.say(
                f"{key}.part",
                f"[tables.{cell.table}] 中没有“{cell.part}”部分，请用 part 指明。",
                f'no entry of [tables.{cell.table}] has the part "{cell.part}"; name one with part.',
            )
        return cell

    def _conditions(self, spec: object, key: str) -> tuple[Condition, ...]:
        conditions: list[Condition] = []
        for one in spec if isinstance(spec, list) else [spec]:
            if not isinstance(one, dict) or "column" not in one or ("in" in one) == ("filled" in one):
                self.say(
                    key,
                    '应为 { column = "列名", in = ["值"] } 或 { column = "列名", filled = true }。',
                    'must be { column = "name", in = ["value"] } or { column = "name", filled = true }.',
                )
                continue
            self._known(one, ("column", "in", "filled"), key)
            among = frozenset(half_width(text) for text in self._texts(one, "in", key))
            conditions.append(Condition(self._text(one, "column", key), among, one.get("filled", True) is True))
        return tuple(conditions)

    def _known(self, spec: dict[str, Any], known: Iterable[str], key: str) -> None:
        names = list(known)
        for name in spec.keys() - set(names):
            similar = get_close_matches(name, names, n=1) or names
            self.say(
                f"{key}.{name}".strip("."),
                f"没有这一项，可用：{'、'.join(similar)}。",
                f"there is no such key; use {', '.join(similar)}.",
            )

    def _dictionary(self, spec: dict[str, Any], name: str, key: str) -> dict[str, Any]:
        value = spec.get(name, {})
        if isinstance(value, dict):
            return value
        self.say(f"{key}.{name}".strip("."), "应为一个小节。", "must be a section.")
        return {}

    def _text(self, spec: dict[str, Any], name: str, key: str) -> str:
        value = spec.get(name, "")
        if isinstance(value, str):
            return value
        self.say(f"{key}.{name}".strip("."), "应为加引号的文本。", "must be a text in quotes.")
        return ""

    def _texts(self, spec: dict[str, Any], name: str, key: str) -> list[str]:
        value = spec.get(name, [])
        if isinstance(value, list) and all(isinstance(text, str) for text in value):
            return value
        self.say(f"{key}.{name}".strip("."), '应为文本列表，如 ["甲", "乙"]。', 'must be a list of texts: ["a", "b"].')
        return []

    def _whole(self, spec: dict[str, Any], name: str, key: str) -> int:
        value = spec.get(name, 0)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 20:
            return value
        self.say(f"{key}.{name}", "应为 1 至 20 的整数。", "must be a whole number from 1 to 20.")
        return 0
