"""The registry: what is shipped, what profiles mean by a name, releases laid over it, and what is refused."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.counting_sql import STOCKS
from exchange_db.records import COUNTERS
from hub.statistics.definition_file import DefinitionInvalid
from hub.statistics.definitions import (
    CountMissing,
    Handling,
    Unit,
    change_of,
    parse_terms,
    quotient_of,
    terms_text,
)
from hub.statistics.derived import KEPT
from hub.statistics.registry import NATIONAL, MetricUnknown, shipped_registry

_PROFILE = """
form = 1
[profile]
id = "jinhua"
zh = "金华口径"
en = "Jinhua"
base = "national"
cohort = "activity"
suspended = "excluded"
void = "excluded"
anchor = ""
month_rule = "half_open"
rounding = "TR0"
source = "金华"
"""
_METRIC = """
[[metrics]]
id = "jinhua.closing_rate"
concept = "closing_rate"
zh = "结案率"
en = "Closed"
numerator = "closed"
denominator = "filed - suspended"
"""


def test_every_metric_says_where_it_comes_from_and_none_passes_for_verified() -> None:
    registry = shipped_registry()
    assert len(registry.metrics) > 50
    for metric in registry.metrics.values():
        assert metric.source
        assert metric.counters <= registry.counters.keys()
        assert not metric.is_verified


def test_the_ledger_feeds_what_it_keeps_and_nothing_else() -> None:
    registry = shipped_registry()
    told = {name for name, one in registry.counters.items() if one.is_kept}
    assert told == KEPT
    assert told >= {*COUNTERS, *STOCKS}
    for metric_id in ("F1", "source_share.collector", "closing_rate", "stage_timely_rate.check", "public_report_rate"):
        assert registry.metric(metric_id).is_kept
    for metric_id in ("satisfaction_rate", "miss_rate", "patrol_frequency", "overrun_multiple"):
        assert not registry.metric(metric_id).is_kept


@pytest.mark.parametrize(
    ("profile", "denominator"),
    [("national", "closing_due"), ("zhuzhou", "closing_due"), ("nanyang", "filed"), ("zhongfang", "total")],
)
def test_the_same_name_has_its_own_denominator_in_each_profile(profile: str, denominator: str) -> None:
    metric = shipped_registry().named(profile, "结案率")
    assert metric is not None
    assert metric.denominator == ((denominator, 1),)
    assert metric is shipped_registry().of_concept(profile, "closing_rate")


def test_definitions_of_one_indicator_have_ids_of_their_own() -> None:
    found = shipped_registry().definitions_of("closing_rate")
    assert {one.metric_id for one in found} == {"closing_rate", "F1", "zhuzhou.closing_rate", "nanyang.closing_rate"}


def test_what_a_profile_does_not_define_is_its_bases() -> None:
    registry = shipped_registry()
    assert registry.of_concept("yueyang", "closing_rate") is registry.metric("closing_rate")
    assert registry.named("yueyang", "办结率") is registry.metric("yueyang.disposal_rate")
    assert registry.named("yueyang", "无此指标") is None


def test_unknown_names_are_refused() -> None:
    registry = shipped_registry()
    with pytest.raises(MetricUnknown, match="没有指标 F99"):
        registry.metric("F99")
    with pytest.raises(MetricUnknown, match=r"没有口径 atlantis，可用 .*national"):
        registry.of_profile("atlantis")
    with pytest.raises(MetricUnknown, match="nothing"):
        registry.of_concept(NATIONAL, "nothing")


def test_a_missing_count_is_never_taken_for_zero() -> None:
    metric = shipped_registry().metric("nanyang.closing_rate")
    with pytest.raises(CountMissing, match="缺少计数：filed") as missing:
        quotient_of(metric, {"closed": 1})
    assert missing.value.names == {"filed"}
    assert quotient_of(metric, {"closed": 0, "filed": 5}).display == "0.00"
    assert quotient_of(metric, {"closed": 0, "filed": 0}).display == ""


def test_a_number_is_shown_as_a_number() -> None:
    metric = shipped_registry().metric("contractor.daily_items")
    assert metric.unit is Unit.NUMBER
    assert quotient_of(metric, {"collected_items": 298_532, "days": 365}).display == "817.9"


def test_a_release_is_laid_over_what_is_shipped() -> None:
    registry = shipped_registry().laid_over({"jinhua.toml": (_PROFILE + _METRIC).encode()})
    metric = registry.of_concept("jinhua", "closing_rate")
    assert quotient_of(metric, {"closed": 2, "filed": 5, "suspended": 2}).display == "66"
    assert metric.suspended is Handling.EXCLUDED
    assert registry.of_concept("jinhua", "dispatch_rate") is shipped_registry().metric("dispatch_rate")
    assert "jinhua" not in shipped_registry().profiles


def test_another_meaning_needs_another_version() -> None:
    registry = shipped_registry().laid_over({"jinhua.toml": (_PROFILE + _METRIC).encode()})
    other = _PROFILE + _METRIC.replace("filed - suspended", "filed")
    with pytest.raises(DefinitionInvalid, match=r"已有第 1 版.*更高的版本"):
        registry.laid_over({"jinhua.toml": other.encode()})
    newer = registry.laid_over({"jinhua.toml": f"{other}version = 2\n".encode()})
    assert newer.metric("jinhua.closing_rate").version == 2
    assert registry.laid_over({"jinhua.toml": (_PROFILE + _METRIC).encode()}).metrics == registry.metrics


@pytest.mark.parametrize(
    ("was", "wrong", "told"),
    [
        ('"filed - suspended"', '"opened"', r"metrics\[0\] jinhua.closing_rate.denominator：没有计数项 opened"),
        ('"filed - suspended"', '"filed / 2"', "“filed / 2”不是计数项的加权和，写法如 55 done"),
        ('"closed"', '"closed + closed"', "不是计数项的加权和"),
        ('"TR0"', '"floor"', "“floor”不是进位方式，写法如 HU2"),
        ('"activity"', '"monthly"', "cohort：没有“monthly”，可用 deadline, "),
        ('base = "national"', 'base = "nowhere"', "base 应为已有口径"),
        ('base = "national"', 'base = "jinhua"', "不可循环"),
        ('zh = "结案率"', "zh = 5", "键或值的写法不对"),
        ('zh = "结案率"', 'zh = "结案率"\nfilters = { colour = ["red"] }', "没有维度 colour，可用 source"),
        ("form = 1", "form = 2", "键或值的写法不对"),
        ("form = 1", "form = = 1", "不是有效的 UTF-8 编码 TOML"),
        ("[[metrics]]", '[[metrics]]\ncolour = "red"', "colour"),
        ("[[metrics]]", f"{_METRIC}\n[[metrics]]", "指标 jinhua.closing_rate 重复"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_what_to_do(was: str, wrong: str, told: str) -> None:
    text = _PROFILE + _METRIC
    assert was in text
    with pytest.raises(DefinitionInvalid, match=told):
        shipped_registry().laid_over({"jinhua.toml": text.replace(was, wrong, 1).encode()})


def test_a_counter_may_be_added_but_not_change_its_meaning() -> None:
    counter = 'form = 1\n[[counters]]\nname = "{}"\nzh = "飞线"\nen = "Loose wires"\n'
    metric = _METRIC.replace('"closed"', '"wires"')
    documents = {"counters.toml": counter.format("wires").encode(), "jinhua.toml": (_PROFILE + metric).encode()}
    assert shipped_registry().laid_over(documents).counters["wires"].name_zh == "飞线"
    with pytest.raises(DefinitionInvalid, match="不可改变其含义"):
        shipped_registry().laid_over({"counters.toml": counter.format("filed").encode()})


def test_a_change_needs_a_base() -> None:
    assert change_of(1_100, 1_200) == Fraction(-1, 12)
    assert change_of(5, 0) is None
    assert change_of(5, None) is None
    assert change_of(None, 5) is None


def test_an_overrun_is_a_multiple_of_the_limit() -> None:
    metric = shipped_registry().metric("overrun_multiple")
    shown = [quotient_of(metric, {"used_minutes": used, "limit_minutes": 4}).display for used in (9, 4, 3)]
    assert shown == ["1.25", "0.00", "-0.25"]
    assert quotient_of(metric, {"used_minutes": 3, "limit_minutes": 0}).display == ""


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True),
        st.integers(-999, 999).filter(bool),
        min_size=1,
        max_size=6,
    )
)
def test_weighted_counters_are_read_as_they_are_written(terms: dict[str, int]) -> None:
    assert parse_terms(terms_text(tuple(terms.items()))) == tuple(terms.items())
