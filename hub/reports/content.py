"""What stands in a report, as data: the same figures the API gives, before any layout. Pure.

``hub.reports.drafting`` fills it, ``hub.reports.workbook`` and ``hub.reports.document`` lay it out. Counts stay
integers and rates pairs of integers; texts for people are made where they are shown.
"""

import hashlib
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from exchange_db.records import Counts
from hub.statistics.periods import Period


class ReportKind(StrEnum):
    """Sorts of reports: bulletins (通报), the 环比 booklet, result sheets of 考评, letters."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"
    BOOKLET = "booklet"
    SCORES = "scores"
    ASSIGNMENT = "assignment"
    SUPERVISION = "supervision"
    SPECIAL = "special"


BULLETINS = (ReportKind.DAILY, ReportKind.WEEKLY, ReportKind.MONTHLY, ReportKind.YEARLY)
LETTERS = (ReportKind.ASSIGNMENT, ReportKind.SUPERVISION, ReportKind.SPECIAL)
#: What each sort is called.
KIND_NAMES: dict[ReportKind, str] = {
    ReportKind.DAILY: "日通报",
    ReportKind.WEEKLY: "周通报",
    ReportKind.MONTHLY: "月通报",
    ReportKind.YEARLY: "年度通报",
    ReportKind.BOOKLET: "环比分析",
    ReportKind.SCORES: "考评结果通报",
    ReportKind.ASSIGNMENT: "交办函",
    ReportKind.SUPERVISION: "督办函",
    ReportKind.SPECIAL: "重点督办函",
}


class Heading(Struct, frozen=True, kw_only=True):
    """What a report says of itself: who issues it, its number (文号), to whom it goes, who can be asked."""

    issuer: str
    number: str
    title: str
    recipients: str = ""
    contact: str = ""


class Metric(Struct, frozen=True, kw_only=True):
    """How a rate is computed: weighted counters over weighted counters, with its id, version and source."""

    metric_id: str
    version: int
    name: str
    numerator: tuple[tuple[str, int], ...]
    denominator: tuple[tuple[str, int], ...]
    source: str


class ReportFigure(Struct, frozen=True, kw_only=True):
    """A rate as the API gives it; ``display`` is in percent, empty where there are no cases to divide by.

    ``cutoff_time`` is in microseconds since 1970; ``revision`` 0 when it comes from the ledger alone.
    """

    metric_id: str
    version: int
    numerator: int
    denominator: int
    display: str
    cutoff_time: int
    revision: int


class Line(Struct, frozen=True, kw_only=True):
    """Counts and rates of the whole, or of one value of a breakdown."""

    key: str
    name: str
    counts: Counts
    figures: tuple[ReportFigure, ...]


class Compared(Struct, frozen=True, kw_only=True):
    """The same of this span, of the one before it and of the one a year ago; ``None`` where nothing is known."""

    now: Line
    before: Line | None
    year_ago: Line | None


class Breakdown(Struct, frozen=True, kw_only=True):
    """The whole by region, unit, class, business line, source or month; ``left_out`` lines are beyond the longest."""

    dimension: str
    lines: tuple[Line, ...]
    left_out: int = 0


class Problem(Struct, frozen=True, kw_only=True):
    """A frequent problem: what, where, how often, and the letter it led to."""

    name: str
    place: str
    unit: str
    count: int
    letter: str = ""


class Score(Struct, frozen=True, kw_only=True):
    """A unit's score; ``parts`` are (name, value, weight, points) in decimal digits, ``rank`` 0 for none."""

    unit: str
    group: str
    parts: tuple[tuple[str, str, str, str], ...]
    list_points: str
    score: str
    is_vetoed: bool
    standing: str
    rank: int


class Ranking(Struct, frozen=True, kw_only=True):
    """A score run: by which scheme, under which id it can be repeated, and the scores by group and rank."""

    run_id: str
    scheme: str
    scheme_version: int
    scores: tuple[Score, ...]


class Indicator(Struct, frozen=True, kw_only=True):
    """An indicator of a tree or a group of them, ``depth`` 0 for roots; digits, empty where there is nothing to say."""

    name: str
    depth: int
    weight: str
    value: str
    points: str


class Tree(Struct, frozen=True, kw_only=True):
    """A run of an indicator tree: ``score`` is empty without weights or while values are missing."""

    run_id: str
    scheme: str
    scheme_version: int
    indicators: tuple[Indicator, ...]
    score: str
    grade: str
    missing: tuple[str, ...]


class LetterCase(Struct, frozen=True, kw_only=True):
    """A case a letter names."""

    case_no: str
    name: str
    address: str
    reported: str
    deadline: str


class Letter(Struct, frozen=True, kw_only=True):
    """A letter to a unit about a problem that came back; ``due_day`` is the day of the answer."""

    unit: str
    problem: str
    place: str
    count: int
    cases: tuple[LetterCase, ...]
    due_day: date
    earlier: tuple[str, ...] = ()
    request: str = ""


class ReportData(Struct, frozen=True, kw_only=True):
    """All that stands in a report."""

    kind: ReportKind
    region: int
    region_name: str
    span: Period
    subject: str
    heading: Heading
    metrics: tuple[Metric, ...] = ()
    definition_ref: str = ""
    is_from_sheets: bool = False
    whole: Compared | None = None
    breakdowns: tuple[Breakdown, ...] = ()
    lines: tuple[Compared, ...] = ()
    problems: tuple[Problem, ...] = ()
    ranking: Ranking | None = None
    letter: Letter | None = None
    disagreements: tuple[str, ...] = ()
    tree: Tree | None = None

    @property
    def cutoff_time(self) -> int:
        """The latest cut-off of its figures, microseconds since 1970; 0 when it has none."""
        return max((one.cutoff_time for one in self.whole.now.figures), default=0) if self.whole else 0

    @property
    def revision(self) -> int:
        """The highest revision of its figures."""
        return max((one.revision for one in self.whole.now.figures), default=0) if self.whole else 0


def digest_of(data: ReportData) -> bytes:
    """Returns the SHA-256 of what a report says; when it was read does not count, so reading again is no change."""
    said = msgspec.to_builtins(data)
    if data.tree is None:
        # Reports that were made before there were trees say what they said.
        del said["tree"]
    return hashlib.sha256(msgspec.json.encode(_timeless(said), order="sorted")).digest()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(inner) for name, inner in value.items() if name != "cutoff_time"}
    return [_timeless(inner) for inner in value] if isinstance(value, list | tuple) else value
