"""Released metric definitions and schemes: refused when wrong, laid over the shipped ones from their time on."""

from pathlib import Path

import pytest

from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.evaluation.releases import VALIDATORS, Definitions, definitions_in_force
from hub.evaluation.schemes import CompositeScheme
from hub.evaluation.shipped import DATA
from hub.standards.publishing import Publisher
from hub.statistics.definitions import quotient_of
from tests.support.clock import NOON, FakeClock
from tests.support.signed_releases import a_plan, a_publisher

PROVINCE = "430000.hub"
METRICS = """
form = 1
[[counters]]
name = "wires"
zh = "飞线"
en = "Loose wires"
[profile]
id = "hunan"
zh = "湖南口径"
en = "Hunan"
base = "national"
cohort = "activity"
suspended = "excluded"
void = "excluded"
anchor = ""
month_rule = "half_open"
rounding = "TR0"
source = "省级规定"
[[metrics]]
id = "hunan.closing_rate"
concept = "closing_rate"
zh = "结案率"
en = "Closed"
numerator = "closed"
denominator = "filed + wires"
"""
SCHEME = (DATA / "zhongfang-monthly.toml").read_text(encoding="utf-8").replace("list_cap = 5", "list_cap = 8")


@pytest.fixture
def province(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> Publisher:
    """The province's publisher, with the validators of a hub."""
    publisher = a_publisher(ledger, PROVINCE, tmp_path, clock)
    publisher._validators = VALIDATORS
    return publisher


async def _in_force(ledger: Ledger, region: int, moment: int) -> Definitions:
    async with ledger.read() as session:
        return await definitions_in_force(session, region, moment)


async def test_released_metrics_count_from_their_time_on_and_below_their_publisher(
    ledger: Ledger, province: Publisher
) -> None:
    documents = {"hunan.toml": METRICS.encode()}
    await province.publish(a_plan(kind="metrics", name="湖南指标", documents=documents, effective_time=NOON + 10))
    found = await _in_force(ledger, 431221, NOON + 10)
    metric = found.metrics.of_concept("hunan", "closing_rate")
    assert quotient_of(metric, {"closed": 2, "filed": 2, "wires": 1}).display == "66"
    assert [one.name for one in found.origins] == ["湖南指标"]
    for region, moment in ((431221, NOON + 9), (440100, NOON + 10)):
        before = await _in_force(ledger, region, moment)
        assert "hunan" not in before.metrics.profiles
        assert before.metrics.of_concept("national", "closing_rate").metric_id == "closing_rate"


async def test_a_released_scheme_takes_the_place_of_the_shipped_one(ledger: Ledger, province: Publisher) -> None:
    await province.publish(a_plan(kind="scoring", name="月度考核", documents={"monthly.toml": SCHEME.encode()}))
    scheme = (await _in_force(ledger, 431221, NOON)).schemes["zhongfang.monthly"]
    assert isinstance(scheme, CompositeScheme)
    assert scheme.list_cap == 8


@pytest.mark.parametrize(
    ("kind", "content", "place"),
    [
        ("metrics", METRICS.replace("filed + wires", "filed + poles"), "hunan.closing_rate.denominator"),
        ("scoring", SCHEME.replace("weight = 60", "weight = 61"), "parts"),
    ],
)
async def test_what_is_wrong_is_not_published(
    ledger: Ledger, province: Publisher, kind: str, content: str, place: str
) -> None:
    with pytest.raises(Violated) as refused:
        await province.publish(a_plan(kind=kind, name="x", documents={"x.toml": content.encode()}))
    assert refused.value.violation.reason == "RELEASE_INVALID"
    assert place in refused.value.violation.field_path
    assert (await _in_force(ledger, 431221, NOON)).origins == ()


async def test_a_release_this_version_cannot_read_is_left_out_and_told(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    lenient = a_publisher(ledger, PROVINCE, tmp_path, clock)
    await lenient.publish(a_plan(kind="metrics", name="以后的写法", documents={"x.toml": b"form = 9"}))
    found = await _in_force(ledger, 431221, NOON)
    assert [one.name for one in found.left_out] == ["以后的写法"]
    assert "F1" in found.metrics.metrics
