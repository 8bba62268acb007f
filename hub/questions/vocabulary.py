"""The words of questions: dimensions and their values, measures and what they are computed from. Pure.

Each word has its English and its Chinese name; both are understood wherever one is. Called by ``hub.questions``, the
command line and the console.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from exchange_db.cases import CaseState
from exchange_db.question_facts import TIMES
from exchange_db.records import COUNTERS
from exchange_db.regions import format_region
from hub.questions.errors import QuestionInvalid
from hub.statistics.definitions import Cohort, MetricDefinition, Unit, quotient_of
from hub.statistics.registry import shipped_registry
from hub.statistics.rounding import USUAL, Rounding
from hub.statistics.value_names import SOURCES, STATES

#: What an engine gives for a group: whole numbers, and medians as floats.
Sums = Mapping[str, int | float | None]
Value = int | Fraction | None
Key = int | str

_HOUR = 3_600_000_000


class Choice(NamedTuple):
    """A value of a dimension that has names: what the facts hold, and what people call it."""

    key: Key
    name: str
    name_zh: str
    name_en: str


class Dimension(NamedTuple):
    """What can be filtered and grouped by.

    ``column`` is the fact it is made of, empty where ``hub.questions.expressions`` makes it of several. ``form`` says
    how keys look: ``text``, ``region``, ``year``, ``quarter``, ``month``, ``day`` or ``number``. Without ``is_open``
    there are no values but ``choices``.
    """

    name: str
    name_zh: str
    name_en: str
    column: str
    form: str = "text"
    choices: tuple[Choice, ...] = ()
    is_open: bool = True
    other_names: tuple[str, ...] = ()


class Measure(NamedTuple):
    """What is counted or computed. ``parts`` are sums an engine gives; all but medians can be added up further."""

    name: str
    name_zh: str
    name_en: str
    parts: tuple[str, ...]
    rounding: Rounding | None = None
    metric: MetricDefinition | None = None
    other_names: tuple[str, ...] = ()

    def value(self, sums: Sums) -> Value:
        """Returns the exact value of a group; nothing where there is nothing to divide by."""
        if self.metric is not None:
            return quotient_of(self.metric, {part: whole(sums[part]) for part in self.parts}).shown
        first = sums[self.parts[0]]
        if self.rounding is None:
            return whole(first)
        if first is None:
            return None
        if len(self.parts) == 1:
            return Fraction(first) / _HOUR
        count = whole(sums[self.parts[1]])
        return Fraction(first) / count / _HOUR if count else None

    def text(self, value: Value) -> str:
        """Returns a value as it is shown, rounded once."""
        if value is None:
            return ""
        return str(value) if self.rounding is None else self.rounding.text(Fraction(value))


def whole(value: float | None) -> int:
    """Returns a sum as a whole number; of no rows it is 0."""
    return int(value or 0)


_YES_NO = (Choice(1, "yes", "是", "yes"), Choice(0, "no", "否", "no"))
_KINDS = (Choice("E", "event", "事件", "event"), Choice("C", "component", "部件", "component"))
#: Whether a case was done in time; what is not done is open, however late.
TIMELINESS: Final = (
    Choice("on_time", "on_time", "及时", "in time"),
    Choice("late", "late", "超时完成", "done late"),
    Choice("open", "open", "未完成", "not done"),
)
_APPEALS = (
    Choice(0, "none", "无", "none"),
    Choice(1, "asked", "已申诉", "asked"),
    Choice(2, "upheld", "申诉成立", "upheld"),
    Choice(3, "rejected", "申诉驳回", "rejected"),
)
_STATES = tuple(Choice(int(state), CaseState(state).name.lower(), *names) for state, names in STATES.items())
_SOURCES = tuple(Choice(code, code, *names) for code, names in SOURCES.items())


#: Either of the two.
Word = TypeVar("Word", Dimension, Measure)


def _flag(name: str, name_zh: str, name_en: str, column: str) -> Dimension:
    return Dimension(name, name_zh, name_en, column, "number", _YES_NO, is_open=False)


DIMENSIONS: Final = (
    Dimension("region", "区域", "Region", "region", "region", other_names=("区县", "行政区划代码")),
    Dimension("city", "市", "City", "", "region", other_names=("城市",)),
    Dimension("province", "省", "Province", "", "region", other_names=("省份",)),
    Dimension("year", "年", "Year", "", "year", other_names=("年份", "年度")),
    Dimension("quarter", "季度", "Quarter", "", "quarter"),
    Dimension("month", "月份", "Month", "", "month", other_names=("月",)),
    Dimension("day", "日期", "Day", "", "day", other_names=("日",)),
    Dimension("hour", "上报时段", "Hour of report", "reported_hour", "number"),
    Dimension("weekday", "上报星期", "Weekday of report", "reported_weekday", "number"),
    Dimension("unit", "责任单位", "Unit", "unit_code", other_names=("单位", "责任单位代码")),
    Dimension("grid", "单元网格", "Unit grid", "grid_code", other_names=("网格",)),
    Dimension("class", "类别", "Class", "class_key", other_names=("小类",)),
    Dimension("code", "小类代码", "Class code", "class_code", other_names=("类别代码",)),
    Dimension("major", "大类代码", "Major class", "", other_names=("大类",)),
    Dimension("kind", "部件或事件", "Component or event", "class_kind", "text", _KINDS, is_open=False),
    Dimension("standard", "所属标准", "Standard", "standard_ref", other_names=("标准",)),
    Dimension("source", "问题来源", "Source", "source_code", "text", _SOURCES, other_names=("来源",)),
    Dimension("state", "状态", "State", "state", "number", _STATES, is_open=False),
    Dimension("timeliness", "及时性", "Timeliness", "", "text", TIMELINESS, is_open=False),
    Dimension("handler", "处置平台", "Handled by", "handler_id"),
    Dimension("authority", "派遣机构", "Dispatched by", "authority_id"),
    Dimension("issuer", "编号平台", "Issuer", "issuer_id", other_names=("上报平台",)),
    _flag("self_handled", "自行处置", "Self-handled", "is_self_handled"),
    _flag("supervised", "督办", "Supervised", "is_supervised"),
    _flag("ruled", "已裁定", "Ruled", "is_ruled"),
    Dimension("appeal", "申诉", "Appeal", "appeal_state", "number", _APPEALS, is_open=False),
    Dimension("extensions", "延期次数", "Extensions", "extension_count", "number"),
    Dimension("reworks", "返工次数", "Reworks", "rework_count", "number"),
    Dimension("returns", "退单次数", "Returns", "return_count", "number"),
)
#: Dimensions made of the time a question goes by.
TIME_DIMENSIONS: Final = frozenset({"year", "quarter", "month", "day"})

#: Times a question may go by, with their names.
BY: Final[Mapping[str, tuple[str, str]]] = {
    "reported": ("上报时间", "time of report"),
    "accepted": ("受理时间", "time of acceptance"),
    "filed": ("立案时间", "time of filing"),
    "dispatched": ("派遣时间", "time of dispatch"),
    "deadline": ("截止时间", "deadline"),
    "close_requested": ("结案申请时间", "time of the request to close"),
    "closed": ("结案时间", "time of closing"),
}
_COHORTS = {Cohort.DEADLINE: "deadline", Cohort.REPORTED: "reported", Cohort.FILED: "filed"}
#: Measures that go by another time than the deadline unless a question says so, by the day the figures count them on.
_USUAL_TIMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("count", "mean_closing_hours", "median_closing_hours"), "reported"),
    **dict.fromkeys(("reported", "self_handled", "valid_reported", "not_accepted", "duplicate"), "reported"),
    **dict.fromkeys(("verification_due", "verified_on_time"), "reported"),
    **dict.fromkeys(("accepted", "accepted_on_time"), "accepted"),
    **dict.fromkeys(("filed", "filed_on_time", "dispatch_due"), "filed"),
    **dict.fromkeys(("dispatched", "dispatched_on_time", "misdispatched", "disputed"), "dispatched"),
    **dict.fromkeys(("disposed", "disposed_on_time", "disposed_overdue"), "close_requested"),
    **dict.fromkeys(("check_sent_on_time", "check_replied", "checked_on_time"), "close_requested"),
    **dict.fromkeys(("closed", "closed_on_time"), "closed"),
}

_COUNT = Measure("count", "案件数", "Cases", ("count",), other_names=("数量", "件数"))
_HOURS = (
    Measure("mean_hours", "平均处置时长（小时）", "Mean hours from dispatch to request to close",
            ("disposal_time_sum", "disposal_time_count"), USUAL, other_names=("平均处置时长",)),
    Measure("median_hours", "处置时长中位数（小时）", "Median hours from dispatch to request to close",
            ("disposal_time_median",), USUAL, other_names=("处置时长中位数",)),
    Measure("mean_closing_hours", "平均结案时长（小时）", "Mean hours from report to closing",
            ("closing_time_sum", "closing_time_count"), USUAL, other_names=("平均结案时长",)),
    Measure("median_closing_hours", "结案时长中位数（小时）", "Median hours from report to closing",
            ("closing_time_median",), USUAL, other_names=("结案时长中位数",)),
)  # fmt: skip


@lru_cache(maxsize=1)
def measures() -> tuple[Measure, ...]:
    """Returns all measures: cases, the counters the ledger keeps, rates made of them, and hours."""
    registry = shipped_registry()
    counters = [
        Measure(name, known.name_zh, known.name_en, (name,), other_names=known.other_names)
        for name in COUNTERS
        for known in (registry.counters[name],)
    ]
    rates = [
        Measure(
            metric.metric_id, metric.name_zh, metric.name_en, tuple(sorted(metric.counters)), metric.rounding, metric
        )
        for metric in registry.metrics.values()
        if metric.is_kept and not metric.filters and not metric.numerator_filters
    ]
    return (_COUNT, *counters, *rates, *_HOURS)


def usual_time(asked: Iterable[Measure]) -> str:
    """Returns the time a question goes by that does not say: that of its first measure that is more than a count."""
    for measure in asked:
        if measure.metric is not None:
            if measure.metric.cohort in _COHORTS:
                return _COHORTS[measure.metric.cohort]
        elif measure.name != _COUNT.name:
            return _USUAL_TIMES.get(measure.name, "deadline")
    return "reported"


def goes_by(metric: MetricDefinition) -> str:
    """Returns the time a metric's cases are chosen by; empty where its counters have times of their own."""
    return _COHORTS.get(metric.cohort, "")


def is_percent(measure: Measure) -> bool:
    """Tells whether a measure is shown in percent."""
    return measure.metric is not None and measure.metric.unit is Unit.PERCENT


def dimension_named(name: str, field: str) -> Dimension:
    """Returns the dimension people mean.

    Raises:
        QuestionInvalid: there is none; says which there are.
    """
    return _named(DIMENSIONS, name, field)


def measure_named(name: str) -> Measure:
    """Returns the measure people mean.

    Raises:
        QuestionInvalid: there is none; says which there are.
    """
    known = measures()
    meant = [one for one in known if name == one.name] or [one for one in known if name == one.name_zh]
    if len(meant) > 1:
        shown = "、".join(f"{one.name}（{one.metric.profile}）" for one in meant if one.metric)
        raise QuestionInvalid(
            "measure",
            f"“{name}”有多种口径，请写明编号：{shown}",
            f'"{name}" has several definitions; name one: {shown}',
        )
    return meant[0] if meant else _named(known, name, "measure")


def time_named(name: str) -> str:
    """Returns the time people mean.

    Raises:
        QuestionInvalid: there is none; says which there are.
    """
    for known, names in BY.items():
        if name in (known, f"{known}_time", *names) and known in TIMES:
            return known
    raise _unknown("by", name, [f"{known} {names[0]}" for known, names in BY.items()])


def _named(words: tuple[Word, ...], name: str, field: str) -> Word:
    for word in words:
        if name in (word.name, word.name_zh):
            return word
    for word in words:
        if name in word.other_names or name.casefold() in (word.name.casefold(), word.name_en.casefold()):
            return word
    raise _unknown(field, name, [f"{word.name} {word.name_zh}" for word in words])


def choice_named(dimension: Dimension, name: str) -> Choice | None:
    """Returns the value of a dimension that people mean; ``None`` for one that has no names.

    Raises:
        QuestionInvalid: there is none, and no other values are possible.
    """
    for choice in dimension.choices:
        names = (choice.name, choice.name_zh, choice.name_zh.removeprefix("已"), choice.name_en)
        if name in names or name == str(choice.key):
            return choice
    if dimension.is_open:
        return None
    raise _unknown(dimension.name, name, [f"{choice.name} {choice.name_zh}" for choice in dimension.choices])


def _unknown(field: str, name: str, possible: list[str]) -> QuestionInvalid:
    shown = "、".join(possible)
    return QuestionInvalid(field, f"没有“{name}”，可用：{shown}", f'there is no "{name}"; possible: {shown}')


def key_text(dimension: Dimension, key: Key, language: str) -> str:
    """Returns a group's value as people read it; empty for none."""
    for choice in dimension.choices:
        if choice.key == key:
            return choice.name_zh if language == "zh" else choice.name_en
    if isinstance(key, str) or dimension.form == "number":
        return str(key)
    if dimension.form == "region":
        return format_region(key)
    if not key:
        return ""
    text = str(key)
    if dimension.form == "quarter":
        return f"{text[:4]}Q{text[4:]}"
    return "-".join(part for part in (text[:4], text[4:6], text[6:]) if part)
