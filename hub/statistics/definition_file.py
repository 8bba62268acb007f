"""Reads metric definitions from TOML and checks all of it: counters, and the metrics of one profile a file.

``docs/metrics.md`` shows what is shipped and the form. What is wrong is told with its place, its value and what to
do. Pure. Called by ``hub.statistics.registry``.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, NoReturn, TypeVar

from msgspec import Meta, Struct

from exchange_db.counting import Anchor
from hub.statistics.definitions import Cohort, Counter, Handling, MetricDefinition, MonthRule, Unit, parse_terms
from hub.statistics.rounding import parse_rounding
from hub.statistics.toml_files import ContentInvalid, Form, in_form, read_document

#: Dimensions a metric may be narrowed by.
DIMENSIONS = ("source", "class", "unit", "region", "business_line", "stage")

Name = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,59}\Z")]
Text = Annotated[str, Meta(min_length=1, max_length=300)]
Chosen = TypeVar("Chosen", bound=StrEnum)


class DefinitionInvalid(ContentInvalid):
    """Definitions cannot be used."""

    subject = ("指标定义", "metric definitions")


class Profile(Struct, frozen=True, kw_only=True):
    """Whose definitions these are; what it does not define is looked up in ``base``."""

    profile_id: str
    name_zh: str
    name_en: str
    base: str


class _Counter(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,59}\Z")]
    zh: Text
    en: Text
    unit: Text = "件"
    is_whole: bool = True
    other: tuple[Text, ...] = ()


class _Counters(Struct, frozen=True, forbid_unknown_fields=True):
    form: Annotated[int, Meta(ge=1, le=1)]
    counters: tuple[_Counter, ...]


class _Profile(Struct, frozen=True, forbid_unknown_fields=True):
    id: Name
    zh: Text
    en: Text
    cohort: str
    suspended: str
    void: str
    anchor: str
    month_rule: str
    rounding: str
    source: Text
    base: str = ""


class _Metric(Struct, frozen=True, forbid_unknown_fields=True):
    id: Name
    zh: Text
    en: Text
    numerator: Text
    denominator: Text
    version: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    concept: str = ""
    other: tuple[Text, ...] = ()
    filters: dict[str, tuple[Text, ...]] = {}
    numerator_filters: dict[str, tuple[Text, ...]] = {}
    cohort: str | None = None
    suspended: str | None = None
    void: str | None = None
    anchor: str | None = None
    month_rule: str | None = None
    rounding: str | None = None
    unit: str = Unit.PERCENT
    source: str | None = None
    clause: str = ""
    note: str = ""
    is_verified: bool = False
    is_lower_better: bool = False


class _Metrics(Struct, frozen=True, forbid_unknown_fields=True):
    form: Annotated[int, Meta(ge=1, le=1)]
    profile: _Profile
    metrics: tuple[_Metric, ...]
    counters: tuple[_Counter, ...] = ()


class MetricFile(NamedTuple):
    """A profile with its metrics and the counters it brings along."""

    profile: Profile
    metrics: tuple[MetricDefinition, ...]
    counters: tuple[Counter, ...]


def read_counters(name: str, content: bytes) -> tuple[Counter, ...]:
    """Reads a file of counters.

    Raises:
        DefinitionInvalid: names the file and the entry.
    """
    return _counters(name, _converted(name, content, _Counters).counters)


def read_metrics(name: str, content: bytes, known: Mapping[str, Counter]) -> MetricFile:
    """Reads the metrics of a profile.

    Args:
        name: of the file, in messages.
        content: its bytes, TOML in UTF-8.
        known: counters there are beside those of the file, by name.

    Raises:
        DefinitionInvalid: names the file and the entry.
    """
    file = _converted(name, content, _Metrics)
    own = _counters(name, file.counters)
    counters = {**known, **{one.name: one for one in own}}
    found: list[MetricDefinition] = []
    for number, one in enumerate(file.metrics):
        place = f"{name} metrics[{number}] {one.id}"
        if any(one.id == other.metric_id for other in found):
            _refuse(f"{place}.id", f"指标 {one.id} 重复，请改名或删去一处", f"{one.id} is there twice; remove one")
        found.append(_metric(place, one, file.profile, counters))
    given = file.profile
    profile = Profile(profile_id=given.id, name_zh=given.zh, name_en=given.en, base=given.base)
    return MetricFile(profile, tuple(found), own)


def _counters(name: str, given: tuple[_Counter, ...]) -> tuple[Counter, ...]:
    counters: list[Counter] = []
    for number, one in enumerate(given):
        if any(one.name == other.name for other in counters):
            _refuse(f"{name} counters[{number}].name", f"计数项 {one.name} 重复", f"{one.name} is there twice")
        counters.append(
            Counter(
                name=one.name,
                name_zh=one.zh,
                name_en=one.en,
                unit=one.unit,
                is_whole=one.is_whole,
                other_names=one.other,
            )
        )
    return tuple(counters)


def _metric(place: str, one: _Metric, usual: _Profile, counters: Mapping[str, Counter]) -> MetricDefinition:
    anchor = usual.anchor if one.anchor is None else one.anchor
    for part in ("filters", "numerator_filters"):
        for dimension in getattr(one, part):
            if dimension not in DIMENSIONS:
                known = "、".join(DIMENSIONS)
                _refuse(f"{place}.{part}", f"没有维度 {dimension}，可用 {known}", f"no dimension {dimension}")
    return MetricDefinition(
        metric_id=one.id,
        version=one.version,
        concept=one.concept or one.id,
        profile=usual.id,
        name_zh=one.zh,
        name_en=one.en,
        numerator=_terms(f"{place}.numerator", one.numerator, counters),
        denominator=_terms(f"{place}.denominator", one.denominator, counters),
        cohort=_chosen(f"{place}.cohort", one.cohort or usual.cohort, Cohort),
        source=one.source or usual.source,
        clause=one.clause,
        is_verified=one.is_verified,
        other_names=one.other,
        filters=one.filters,
        numerator_filters=one.numerator_filters,
        month_rule=_chosen(f"{place}.month_rule", one.month_rule or usual.month_rule, MonthRule),
        anchor=_chosen(f"{place}.anchor", anchor, Anchor) if anchor else None,
        suspended=_chosen(f"{place}.suspended", one.suspended or usual.suspended, Handling),
        void=_chosen(f"{place}.void", one.void or usual.void, Handling),
        unit=_chosen(f"{place}.unit", one.unit, Unit),
        rounding=_rounding(f"{place}.rounding", one.rounding or usual.rounding),
        is_lower_better=one.is_lower_better,
        note=one.note,
    )


def _terms(place: str, text: str, counters: Mapping[str, Counter]) -> Any:
    try:
        terms = parse_terms(text)
    except ValueError:
        _refuse(place, f"“{text}”不是计数项的加权和，写法如 55 done + 45 on_time", f"{text!r} is no sum of counters")
    for name, _ in terms:
        if name not in counters:
            _refuse(place, f"没有计数项 {name}，请先在 counters 中定义", f"there is no counter {name}; define it first")
    return terms


def _rounding(place: str, text: str) -> Any:
    try:
        return parse_rounding(text)
    except ValueError:
        _refuse(place, f"“{text}”不是进位方式，写法如 HU2、TR0", f"{text!r} is no rounding; write HU2 or TR0")


def _chosen(place: str, text: str, kind: type[Chosen]) -> Chosen:
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(kind)
        _refuse(place, f"没有“{text}”，可用 {known}", f"{text!r} is unknown; use {known}")


def _converted(name: str, content: bytes, form: type[Form]) -> Form:
    return in_form(name, read_document(name, content, DefinitionInvalid), form, DefinitionInvalid)


def _refuse(place: str, chinese: str, english: str) -> NoReturn:
    raise DefinitionInvalid(place, chinese, english)
