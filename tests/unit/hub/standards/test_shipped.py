"""What is shipped: complete as its source, free of findings, and honest about what is not known."""

from collections import Counter
from pathlib import Path

import pytest

from exchange_db.records import CodeKind
from hub.standards.catalogue import EMPTY, Catalogue
from hub.standards.codes import Mark, name_key
from hub.standards.limits import LimitUnit
from hub.standards.release_file import ReleaseKind, read_release, taken_in
from hub.standards.release_tables import FilingCondition, ProblemSource, Region
from hub.standards.shipped import DATA, shipped_catalogue
from hub.statistics.value_names import SOURCES

OLD, CURRENT, NEW = "CJ/T-214-2007", "GB/T-30428.2-2013", "GB/T-47678.5-2026"
C, E = CodeKind.COMPONENT, CodeKind.EVENT


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return shipped_catalogue()


def _minors(catalogue: Catalogue, ref: str, kind: CodeKind) -> dict[str, int]:
    return dict(Counter(one.code[:2] for one in catalogue.lists[ref] if one.kind is kind and not one.is_major))


def test_the_totals_of_2026_are_those_its_source_states(catalogue: Catalogue) -> None:
    components, events = _minors(catalogue, NEW, C), _minors(catalogue, NEW, E)
    assert components == {"01": 76, "02": 44, "03": 16, "04": 14, "05": 3}
    assert sum(components.values()) == 153
    assert events == components | {"06": 51, "07": 7, "08": 16, "09": 21, "10": 2}
    assert sum(events.values()) == 250


def test_the_totals_of_2013_and_2007(catalogue: Catalogue) -> None:
    assert _minors(catalogue, CURRENT, C) == {"01": 58, "02": 32, "03": 13, "04": 10, "05": 9}
    assert _minors(catalogue, CURRENT, E) == {"01": 38, "02": 7, "03": 12, "04": 10, "05": 8, "06": 4}
    assert _minors(catalogue, OLD, C) == {"01": 38, "02": 17, "03": 10, "04": 10, "05": 3, "06": 5}
    assert _minors(catalogue, OLD, E) == {"01": 19, "02": 5, "03": 6, "04": 10, "05": 14}


@pytest.mark.parametrize(
    "absent", [(C, "01016"), (E, "01016"), (E, "06031"), (E, "07005"), (E, "09007"), (C, "05001"), (E, "11001")]
)
def test_numbers_that_are_not_used_in_2026_are_not_there(catalogue: Catalogue, absent: tuple[CodeKind, str]) -> None:
    assert catalogue.lists[NEW].find(*absent) is None


def test_every_component_of_2026_has_its_abnormal_event(catalogue: Catalogue) -> None:
    codes = catalogue.lists[NEW]
    for component in codes:
        if component.kind is C and not component.is_major:
            event = codes.find(E, component.code)
            assert event is not None
            assert event.name == f"{component.name}异常"


@pytest.mark.parametrize(
    ("kind", "code"), [(C, "0116"), (C, "0501"), (C, "0505"), (E, "0407"), (E, "0601"), (E, "0603")]
)
def test_what_no_source_names_is_there_and_says_so(catalogue: Catalogue, kind: CodeKind, code: str) -> None:
    found = catalogue.lists[CURRENT].find(kind, code)
    assert found is not None
    assert found.mark is Mark.UNVERIFIED
    assert "未核实" in found.name
    assert found.note


def test_nothing_claims_to_be_checked_against_the_text(catalogue: Catalogue) -> None:
    marks = {one.mark for codes in catalogue.lists.values() for one in codes}
    marks |= {row.mark for crosswalk in catalogue.crosswalks for row in crosswalk}
    assert marks == {Mark.INFERRED, Mark.UNVERIFIED}


@pytest.mark.parametrize(
    ("ref", "kind", "code", "name"),
    [
        (OLD, C, "0117", "立杆"),
        (OLD, E, "0501", "无照经营游商"),
        (OLD, E, "0401", "路面塌陷"),
        (OLD, E, "0199", "其他"),
        (CURRENT, C, "0101", "上水井盖"),
        (CURRENT, C, "0219", "渠化岛"),
        (CURRENT, E, "0501", "供水管道破裂"),
        (CURRENT, E, "0401", "无照经营游商"),
        (CURRENT, E, "0602", "临街屠宰"),
        (NEW, C, "01077", "综合杆"),
        (NEW, E, "01001", "供水井盖异常"),
        (NEW, E, "10001", "道路积雪、结冰"),
    ],
)
def test_rows_are_those_of_the_source(catalogue: Catalogue, ref: str, kind: CodeKind, code: str, name: str) -> None:
    found = catalogue.lists[ref].find(kind, code)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("path", sorted(DATA.glob("*.csv")), ids=lambda path: path.name)
def test_every_file_that_is_shipped_passes_the_check_without_a_finding(catalogue: Catalogue, path: Path) -> None:
    # A code list is read before any other is known, as it is at the start of a process.
    is_list = path.name.startswith("codes-")
    known = taken_in(EMPTY, [read_release(DATA / "standards.csv", EMPTY)]) if is_list else catalogue
    file = read_release(path, known)
    assert file.findings == ()
    assert len(file.rows) == file.row_count > 0


def test_a_code_list_can_be_read_over_itself_and_nothing_changes(catalogue: Catalogue) -> None:
    for name in ("codes-2007.csv", "codes-2013.csv", "codes-2026.csv"):
        file = read_release(DATA / name, catalogue)
        assert file.findings == ()
        again = taken_in(catalogue, [file])
        assert all(list(again.lists[ref]) == list(codes) for ref, codes in catalogue.lists.items())


def test_problem_sources_are_those_of_the_console(catalogue: Catalogue) -> None:
    file = read_release(DATA / "problem_sources.csv", catalogue)
    assert file.kind is ReleaseKind.SOURCES
    sources = [row for row in file.rows if isinstance(row, ProblemSource)]
    assert {row.code: row.name for row in sources} == {code: words[0] for code, words in SOURCES.items()}
    aliases = Counter(alias for row in sources for alias in row.aliases)
    assert {int(alias.removeprefix("egova:")) for alias in aliases} == {1, 2, 11, 31, 33, 34, 36, 41}
    shared = {alias for alias, count in aliases.items() if count > 1}
    assert all(row.mark is Mark.UNVERIFIED for row in sources if shared & set(row.aliases))


def test_regions_have_successors_and_local_zones(catalogue: Catalogue) -> None:
    rows = [row for row in read_release(DATA / "regions.csv", catalogue).rows if isinstance(row, Region)]
    regions = {row.region: row for row in rows}
    for code, name in (
        (430000, "湖南省"),
        (430212, "渌口区"),
        (431200, "怀化市"),
        (431221, "中方县"),
        (411300, "南阳市"),
    ):
        assert regions[code].name == name
    assert regions[0].mark is Mark.UNVERIFIED
    assert [row.region for row in rows if row.successors] == [430221]
    assert regions[430221].successors == (430212,)
    assert regions[430221].valid_to is not None
    zones = [row for row in rows if row.is_local]
    assert zones
    assert all(row.mark is Mark.UNVERIFIED for row in zones)


def test_filing_conditions_have_their_limits_and_none_is_taken_for_certain(catalogue: Catalogue) -> None:
    rows = read_release(DATA / "filing_conditions.csv", catalogue).rows
    conditions = [row for row in rows if isinstance(row, FilingCondition)]
    assert len(conditions) == len(rows) == 19
    assert {row.mark for row in conditions} == {Mark.INFERRED}
    covers = [row for row in conditions if row.code == "0101" and row.kind is C]
    assert [str(row.limit.steps[0].limit) for row in covers] == ["2紧急工作时", "4工作时", "2工作日", "5工作日"]
    burst = next(row for row in conditions if (row.code, row.region) == ("0501", 510923))
    assert [(step.name, step.limit.unit) for step in burst.limit.steps] == [
        ("围护", LimitUnit.URGENT_HOUR),
        ("修复", LimitUnit.URGENT_HOUR),
        ("恢复", LimitUnit.WORKING_DAY),
    ]


def test_names_of_different_classes_of_one_kind_differ(catalogue: Catalogue) -> None:
    for codes in catalogue.lists.values():
        for kind in CodeKind:
            counts = Counter(name_key(one.name) for one in codes if one.kind is kind and one.mark is Mark.INFERRED)
            assert {name for name, count in counts.items() if count > 1} <= {"其他"}
