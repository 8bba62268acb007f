"""Whatever stands in a form, the check ends with a report: zeros, signs, other units, empty cells, odd sums."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.evaluation.checking.check import NothingToCheck, check_document
from hub.evaluation.checking.documents import FormDocument, FormTable, TableRow
from hub.evaluation.checking.findings import Severity
from hub.evaluation.checking.forms import _HEADINGS, Kind
from hub.statistics.registry import shipped_registry

_NUMBERS = st.one_of(
    st.sampled_from(
        ["0", "0%", "-1", "0.00%", "100%", "150%", "1e5", "≤0", "≥-5", "9" * 30, "0.0000001", "1/0", "—", ""]
    ),
    st.integers(-10, 10**7).map(str),
    st.decimals(-10, 10**4, places=2, allow_nan=False).map(str),
    st.decimals(0, 120, places=2, allow_nan=False).map(lambda one: f"{one}%"),
)
_NAMES = st.sampled_from(
    [
        "上报",
        "立案",
        "结案率",
        "处置率",
        "满意率",
        "信息采集员上报占比",
        "合计",
        "总分",
        "年度资金总额",
        "环比",
        "甲",
        "F3",
        "12345",
        "",
    ]
)
_SUMS = st.sampled_from(["上报-立案", "立案/上报", "(1", "1+", "甲*乙", "1/0", "0/1", "-5", "50%+1"])
_CELLS = st.one_of(_NUMBERS, _NAMES, _SUMS, st.text(max_size=8))


@st.composite
def documents(draw: st.DrawFn) -> FormDocument:
    tables = []
    for number in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(Kind))
        headings = tuple(texts[0] for texts in _HEADINGS[kind].values())
        lead = draw(st.booleans())
        rows = [TableRow(1, (("项目",) if lead else ()) + headings)]
        width = len(rows[0].cells)
        cells = st.lists(_CELLS, min_size=1, max_size=width).map(tuple)
        rows += [TableRow(place, row) for place, row in enumerate(draw(st.lists(cells, max_size=6)), 2)]
        tables.append(FormTable(f"表{number}", tuple(rows)))
    return FormDocument(
        tuple(tables), tuple(draw(st.lists(st.sampled_from(["结案率为 97.1%。", "处置率达到5%"]), max_size=2)))
    )


@settings(max_examples=300)
@given(documents(), st.sampled_from(sorted(shipped_registry().profiles)))
def test_the_check_always_ends_with_a_report(document: FormDocument, profile: str) -> None:
    try:
        report = check_document(document, shipped_registry(), profile)
    except NothingToCheck:
        return
    assert report.has_disagreements is any(one.severity is not Severity.NOTE for one in report.findings)
    assert len(set(report.findings)) == len(report.findings)
    assert report == check_document(document, shipped_registry(), profile)
