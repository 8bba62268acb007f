"""A mapping file is checked before the first row: each problem names file, key and remedy in both languages."""

import hashlib
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mapping_file import Mapping, MappingInvalid, read_mapping
from connectors.mapping_model import FIELDS
from tests.support.sources import ROOT

GENERIC = (ROOT / "docs" / "examples" / "generic.toml").read_text(encoding="utf-8")
SMALL = """
version = 1
issuer_id = "431221.platform"
case_no = { column = "案件编号" }
[times]
zone = "Asia/Shanghai"
formats = ["%Y-%m-%d"]
[handling]
revision = 1
state = "RECEIVED"
"""


def _file(folder: Path, content: str | bytes) -> Path:
    path = folder / "mapping.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def _read(folder: Path, *changes: tuple[str, str], text: str = GENERIC) -> Mapping:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return read_mapping(_file(folder, text))


def _problems(folder: Path, *changes: tuple[str, str], text: str = GENERIC) -> list[tuple[str, str]]:
    with pytest.raises(MappingInvalid) as error:
        _read(folder, *changes, text=text)
    return error.value.problems


@pytest.mark.parametrize("name", ["generic.toml", "boston311.toml"])
def test_the_examples_are_without_problems(name: str) -> None:
    path = ROOT / "docs" / "examples" / name
    mapping = read_mapping(path)
    assert [section.name for section in mapping.sections] == list(FIELDS)
    assert mapping.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_mapping_of_one_section_is_enough(tmp_path: Path) -> None:
    mapping = _read(tmp_path, text=SMALL)
    assert [section.name for section in mapping.sections] == ["handling"]
    assert mapping.clock.zone == ZoneInfo("Asia/Shanghai")
    assert mapping.columns() == ("案件编号",)


def test_the_digest_changes_with_the_content(tmp_path: Path) -> None:
    first = _read(tmp_path).digest
    assert _read(tmp_path).digest == first
    assert _read(tmp_path, text=GENERIC + "\n# 改动\n").digest != first
    assert len(first) == 64


def test_a_file_saved_by_a_windows_editor_is_read(tmp_path: Path) -> None:
    path = _file(tmp_path, b"\xef\xbb\xbf" + GENERIC.replace("\n", "\r\n").encode("utf-8"))
    assert read_mapping(path).issuer_id == "431221.platform"


@pytest.mark.parametrize(
    ("old", "new", "key", "chinese", "english"),
    [
        # The whole.
        ("version = 1\n", "", "version", "version = 1", "write version = 1"),
        ("version = 1", "version = 2", "version", "version = 1", "write version = 1"),
        ('"431221.platform"\nempty', '"中方县"\nempty', "issuer_id", "本平台标识", "name the platform"),
        ("empty_values", "empty_value", "empty_value", "可用：empty_values", "use empty_values"),
        (
            'empty_values = ["-", "—", "无", "NULL"]',
            'empty_values = "-"',
            "empty_values",
            "文本列表",
            "a list of texts",
        ),
        ("[report]", "zzz = 1\n[report]", "times.zzz", "可用", "there is no such key"),
        ("empty_values", 'encoding = "utf-16"\nempty_values', "encoding", "可用 utf-8", "use utf-8"),
        ("case_no = {", "case_nr = {", "case_nr", "可用：case_no", "use case_no"),
        ('case_no = { column = "案件编号" }', 'case_no = "1"', "case_no", "取自某一列", "from a column"),
        ("[verdict]", "[verdikt]", "verdikt", "可用：verdict", "use verdict"),
        # Times.
        ("Asia/Shanghai", "Asia/Shangai", "times.zone", "IANA 时区名", "IANA zone"),
        ('"Asia/Shanghai"', '""', "times.zone", "IANA 时区名", "IANA zone"),
        ("Asia/Shanghai", "../etc/passwd", "times.zone", "IANA 时区名", "IANA zone"),
        (
            '"Asia/Shanghai"',
            '"Asia/Shanghai"\nmissing = "guess"',
            "times.missing",
            "refuse、earlier",
            "refuse, earlier",
        ),
        ('"Asia/Shanghai"', '"Asia/Shanghai"\nambiguous = []', "times.ambiguous", "refuse、earlier", "refuse, earlier"),
        ('["%Y-%m-%d %H:%M:%S", ', '["%Q", ', "times.formats", "%Q 不是", "%Q is no format"),
        ('["%Y-%m-%d %H:%M:%S", ', '["%Y %Y", ', "times.formats", "%Y %Y 不是", "%Y %Y is no format"),
        ('["%Y-%m-%d %H:%M:%S", ', '["%", ', "times.formats", "% 不是", "% is no format"),
        ('["%Y-%m-%d %H:%M:%S", ', '["yyyy-MM-dd", ', "times.formats", "yyyy-MM-dd 不是", "is no format of strptime"),
        # Fields.
        ("revision = {", "# revision = {", "report.revision", "缺少必填项", "is required"),
        ("address = {", "adress = {", "report.adress", "可用：address", "use address"),
        ('result = { column = "处置结果" }', "result = 2020-01-01", "handling.result", "应为常量或", "a constant or"),
        ('result = { column = "处置结果" }', 'result = ""', "handling.result", "常量为空", "constant is empty"),
        ('result = { column = "处置结果" }', "result = {}", "handling.result", "请写明列", "name the column"),
        (
            'result = { column = "处置结果" }',
            "result = { columns = [] }",
            "handling.result",
            "请写明列",
            "name the column",
        ),
        (
            '{ column = "处置结果" }',
            '{ colum = "处置结果", column = "a" }',
            "handling.result.colum",
            "column",
            "use column",
        ),
        ('{ column = "处置结果" }', '{ column = "a", width = 99 }', "handling.result.width", "1 至 20", "from 1 to 20"),
        ('{ column = "处置结果" }', '{ column = "a", formats = ["%Y"] }', "handling.result.formats", "只用于", "only"),
        ('authority_id = "431221.platform"', 'authority_id = "x"', "report.authority_id", "不符合要求", "does not fit"),
        ("region_code = {", 'region_code = "4312" #', "report.region_code", "不符合要求", "six digits"),
        (
            '[report]\nrevision = { column = "修订号" }',
            "[report]\nrevision = -1",
            "report.revision",
            "不符合",
            "not fit",
        ),
        ("state = {", 'state = "DONE" #', "report.state", "REPORTED", "one of REPORTED"),
        # The place.
        ('crs = "CGCS2000"', 'crs = "北京54"', "report.crs", "CGCS2000", "one of"),
        ('crs = "CGCS2000", ', "", "report.position", "缺少 crs", "crs is missing"),
        ("position = {", 'x = "1" #', "report", "position = { crs, x, y }", "write position"),
        # Classes and tables.
        ('table = "regions"', 'table = "region"', "report.region_code.table", "[tables.region]", "add it"),
        ('standard_ref = "GB/T-30428.2-2013", ', "", "report.class", "写明 standard_ref", "state standard_ref"),
        ('kind = "event"', 'kind = "matter"', "report.class.kind", "event 或 component", "event or component"),
        ('code = "0104", kind = "component"', 'code = "0104", kind = "x"', "report.class.kind", "x 应为", "x must be"),
        ('part = "verdict"', 'part = "verdikt"', "verdict.state.part", "用 part 指明", "with part"),
        ('verdict = "CHECKING"', 'verdict = "CHEKING"', "verdict.state", "CHECKING", "one of CHECKING"),
        ('"中方县" = "431221"', '"中方县" = "43122"', "report.region_code", "不符合要求", "six digits"),
        ('"中方县" = "431221"', '"中方县" = ["431221"]', 'tables.regions."中方县"', "加引号的文本", "text in quotes"),
        ('"12319热线" =', '"12319热线" = "x"\n"１２３１９热线" =', "tables.sources", "重复", "stands twice"),
        # Conditions.
        ("[verdict]", '[verdict]\nwhen = "x"', "verdict.when", "filled = true", "filled = true"),
        ("[verdict]", '[verdict]\nwhen = { column = "状态" }', "verdict.when", "filled = true", "filled = true"),
        ("[verdict]", '[verdict]\nwhen = { column = "a", in = "b" }', "verdict.when.in", "文本列表", "list of texts"),
    ],
)
def test_what_is_wrong_is_named_by_key_with_what_to_do(
    tmp_path: Path, old: str, new: str, key: str, chinese: str, english: str
) -> None:
    problems = _problems(tmp_path, (old, new))
    path = tmp_path / "mapping.toml"
    named = [
        problem
        for problem in problems
        if problem[0].startswith(f"映射文件 {path}，{key}") and problem[1].startswith(f"Mapping {path}, {key}")
    ]
    assert any(chinese in told[0] and english in told[1] for told in named), problems


def test_the_position_must_be_a_section(tmp_path: Path) -> None:
    ((chinese, english),) = _problems(tmp_path, ("[handling]\n", "[handling]\nposition = 5\n"), text=SMALL)
    assert "handling：坐标请写为" in chinese
    assert "handling: write position" in english


def test_a_class_must_be_named_in_the_report(tmp_path: Path) -> None:
    text = "\n".join(line for line in GENERIC.splitlines() if not line.startswith("class ="))
    ((chinese, english),) = _problems(tmp_path, text=text)
    assert "report.class：缺少必填项" in chinese
    assert "report.class: is required" in english


def test_a_mapping_without_sections_is_told_to_have_one(tmp_path: Path) -> None:
    ((chinese, english),) = _problems(tmp_path, text=SMALL.partition("[handling]")[0])
    assert "report：至少要有一个部分" in chinese
    assert "report: there must be a section" in english


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    problems = _problems(
        tmp_path, ("Asia/Shanghai", "Mars"), ("address =", "adress ="), ('table = "regions"', 'table = "x"')
    )
    assert len(problems) == 3
    with pytest.raises(MappingInvalid) as error:
        read_mapping(tmp_path / "mapping.toml")
    for pair in problems:
        assert all(text in str(error.value) for text in pair)


@pytest.mark.parametrize(
    ("content", "chinese", "english"),
    [
        (b"version = ", "不是有效的 TOML", "not valid TOML"),
        (b"version = 1\nversion = 1", "不是有效的 TOML", "not valid TOML"),
        (b"version = " + b"1" * 5_000, "不是有效的 TOML", "not valid TOML"),
        (b"version = " + b"[" * 100_000, "不是有效的 TOML", "not valid TOML"),
        ("# 映射".encode("gb18030"), "不是 UTF-8 编码，请另存为 UTF-8", "save it as UTF-8"),
        ("version = 1".encode("utf-16"), "不是 UTF-8 编码，请另存为 UTF-8", "save it as UTF-8"),
        (b"\x00\x01\x02", "不是有效的 TOML", "not valid TOML"),
    ],
)
def test_what_is_no_toml_is_told(tmp_path: Path, content: bytes, chinese: str, english: str) -> None:
    with pytest.raises(MappingInvalid) as error:
        read_mapping(_file(tmp_path, content))
    ((told, told_english),) = error.value.problems
    assert told.startswith(f"映射文件 {tmp_path / 'mapping.toml'}：{chinese}")
    assert english in told_english


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(MappingInvalid) as error:
            read_mapping(path)
        ((chinese, english),) = error.value.problems
        assert f"{path}：无法读取" in chinese
        assert "请检查路径" in chinese
        assert "check the path" in english


def test_an_empty_file_says_all_that_is_missing(tmp_path: Path) -> None:
    told = "\n".join(chinese for chinese, _ in _problems(tmp_path, text=""))
    for key in ("version", "issuer_id", "times.zone", "times.formats", "case_no", "report"):
        assert f"，{key}：" in told


scalars = st.none() | st.booleans() | st.integers(-5, 10**12) | st.text("aA1%Y中 ./", max_size=8)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_toml(one)}' for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value or 0)


names = st.sampled_from(["column", "columns", "table", "part", "default", "formats", "width", "in", "crs", "x", "kind"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
KEYS = [
    number
    for number, line in enumerate(GENERIC.splitlines())
    if " = " in line and not line.startswith(("#", "class ="))
]


@given(at=st.sampled_from(KEYS), value=values)
def test_no_value_anywhere_breaks_the_check(tmp_path_factory: pytest.TempPathFactory, at: int, value: object) -> None:
    lines = GENERIC.splitlines()
    lines[at] = f"{lines[at].partition(' = ')[0]} = {_toml(value)}"
    path = _file(tmp_path_factory.getbasetemp(), "\n".join(lines))
    try:
        assert read_mapping(path).sections
    except MappingInvalid as refused:
        assert refused.problems
        assert all(str(path) in text for problem in refused.problems for text in problem)
