"""A storm over four tiers: at every hub counting anew gives what was folded, and children add up to their parent.

SANJI_STORM_EVENTS says how many records are handed in (2,400 unless set); ``python -m pytest
tests/periods/test_tier_storm.py --timeout=0 --log-cli-level=INFO`` logs each storm with its seed and what it came to.
"""

import asyncio
import logging
import os
import random
from collections import Counter
from typing import NamedTuple

import hypothesis
from hypothesis import strategies as st

from exchange_db import period_cells
from exchange_db.cases import CaseRow, CaseState
from exchange_db.counting import CountingRules, date_of
from exchange_db.figures import Basis
from exchange_db.period_cells import KEPT, PeriodCell
from exchange_db.period_kinds import PeriodKind
from exchange_db.records import COUNTERS
from exchange_db.regions import Subtree, subtree
from exchange_db.shares import CaseCounting
from hub.statistics.calendar import HubCalendar
from hub.statistics.fold import FigureFold
from hub.statistics.periods import Period, period_of
from hub.statistics.rebuild import FigureRebuild
from tests.support.builders import DAY, a_payload
from tests.support.clock import NOON
from tests.support.lives import Life
from tests.support.periods import settings_of
from tests.support.postgres import Cluster
from tests.support.tiers import CITIES, NATION, PROVINCE, Tier, Tree

logger = logging.getLogger(__name__)

EVENTS = int(os.environ.get("SANJI_STORM_EVENTS") or "2400")
_STORMS = 2
_RULES = CountingRules()
_NOW = NOON + 1_500 * DAY
_COUNTIES = {CITIES[0]: (431221, 431222, 431226), CITIES[1]: (430221, 430223)}
#: Periods of a kind that hubs are asked for; the cells of all days and months are held against each other anyway.
_ASKED = min(40, max(6, EVENTS // 400))
#: Region, day or month, unit, class and source, and what is counted there.
Cells = dict[tuple[int, int, str, str, str], tuple[int, ...]]


class Weather(NamedTuple):
    """What a storm is like; shares are between 0 and 1."""

    seed: int
    wrongs: float
    repeats: float
    loss: float
    batch: int


_WEATHER = st.builds(
    Weather,
    seed=st.integers(1, 2**32 - 1),
    wrongs=st.floats(0.3, 1.0),
    repeats=st.floats(0.05, 0.25),
    loss=st.floats(0.1, 0.5),
    batch=st.sampled_from([size * max(1, EVENTS // 10_000) for size in (40, 200, 500)]),
)


@hypothesis.settings(
    max_examples=_STORMS,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(weather=_WEATHER)
def test_counting_anew_is_what_was_folded_and_children_add_up_to_their_parent(
    cluster: Cluster, weather: Weather
) -> None:
    asyncio.run(_storm(cluster, weather, EVENTS // _STORMS))


async def _storm(cluster: Cluster, weather: Weather, events: int) -> None:
    async with Tree.grown(cluster, _NOW, _RULES) as tree:
        lives, wrong_count = await _blow(tree, weather, events)
        await tree.settle()
        for tier in tree.tiers.values():
            await FigureFold(tier.ledger).run()
            found = await FigureRebuild(tier.ledger, _RULES).check()
            assert found.is_right, (weather, tier.hub_id, found.differences[:3])
        rows = [life.row for life in lives if life.row]
        await _hold_to_model(tree, weather, rows)
        periods = await _add_up(tree, weather, rows)
        states = Counter(CaseState(row.state).name.lower() for row in rows)
        logger.info(
            "%s: %s records, %s of them wrong; %s cases %s; %s periods",
            weather, events, wrong_count, len(rows), dict(states), periods,
        )  # fmt: skip


async def _blow(tree: Tree, weather: Weather, events: int) -> tuple[list[Life], int]:
    """Lets the platforms tell lives while the hubs work on what they have; returns the lives, and the wrong records."""
    chance = random.Random(weather.seed)
    lives: list[Life] = []
    said = wrong_count = settlings = 0
    while said < events:
        waiting: dict[str, list[bytes]] = {}
        # One record a life and round, so that it does not matter whose batch comes first.
        for life in _drawn(lives, chance, weather):
            if said == events or (life.is_provincial and life.settled_at == settlings):
                continue
            told = life.next()
            if told is not None:
                life.settled_at = settlings
                said += 1
                wrong_count += not told.is_legal
                payload = a_payload(told.case, told.origin_id)
                waiting.setdefault(told.origin_id, []).extend([payload] * (1 + (chance.random() < weather.repeats)))
        for platform_id, payloads in waiting.items():
            await tree.hand_in(platform_id, payloads)
        await tree.blow(chance, weather.loss)
        if chance.random() < 0.3:
            await FigureFold(chance.choice(list(tree.tiers.values())).ledger).run()
        if chance.random() < 0.4:
            await tree.settle()
            settlings += 1
    return lives, wrong_count


def _drawn(lives: list[Life], chance: random.Random, weather: Weather) -> list[Life]:
    """Begins some lives, and draws those that go on: mostly young ones, now and then one long past."""
    born = weather.batch // 8
    lives += [Life(number, chance, weather.wrongs) for number in range(len(lives), len(lives) + born)]
    young = lives[-3 * weather.batch :]
    drawn = chance.sample(young, min(len(young), weather.batch))
    return list(dict.fromkeys([*drawn, *chance.sample(lives, min(len(lives), born // 4))]))


async def _hold_to_model(tree: Tree, weather: Weather, rows: list[CaseRow]) -> None:
    """Holds every cell of every hub to the cases as their own records leave them, counted one by one."""
    model: dict[tuple[int, int, str, str, str], Counter[int]] = {}
    for row in rows:
        for cell, marks in CaseCounting(_RULES).shares(row):
            model.setdefault(cell, Counter()).update(marks)
    days: Cells = {cell: tuple(counts[place] for place in range(len(COUNTERS))) for cell, counts in model.items()}
    months: Cells = {}
    for (region, day, unit, kind, source), counts in days.items():
        month = (region, day // 100, unit, kind, source)
        months[month] = _sum(months.get(month), counts)
    for tier in tree.tiers.values():
        regions = subtree(tier.region)
        for table, moment, meant in (("figure_days", "day", days), ("figures", "month", months)):
            ours = {cell: counts for cell, counts in meant.items() if cell[0] in regions}
            assert await _cells(tier, table, moment) == ours, (weather, tier.hub_id, table)


async def _cells(tier: Tier, table: str, moment: str) -> Cells:
    """Returns the cells of a table in which anything is counted."""
    named = f"region, {moment}, unit_code, class_key, source_code, {', '.join(COUNTERS)}"
    async with tier.ledger.read() as session:
        found = await session.driver.execute(f"SELECT {named} FROM {table}")
        return {row[:5]: row[5:] for row in await found.fetchall() if any(row[5:])}


async def _add_up(tree: Tree, weather: Weather, rows: list[CaseRow]) -> int:
    """Asks every hub for every period as its pages do: children add up to their parent, in every cell and counter.

    Returns:
        How many periods were asked for.
    """
    chance = random.Random(weather.seed)
    moments = [day for row in rows for (_, day, *_), _ in CaseCounting(_RULES).shares(row)]
    periods = _periods(min(moments), max(moments), chance)
    for period in periods:
        nation = await _told(tree.tiers[NATION], period, subtree(0))
        province = await _told(tree.tiers[PROVINCE], period, subtree(430000))
        cities = {
            hub_id: await _told(tree.tiers[hub_id], period, subtree(tree.tiers[hub_id].region)) for hub_id in CITIES
        }
        assert nation == province, (weather, period.name)
        assert _added(list(cities.values())) == province, (weather, period.name)
        for hub_id, counties in _COUNTIES.items():
            parts = [await _told(tree.tiers[hub_id], period, Subtree(county, county)) for county in counties]
            assert _added(parts) == cities[hub_id], (weather, hub_id, period.name)
    return len(periods)


def _periods(first: int, last: int, chance: random.Random) -> list[Period]:
    """Returns some periods of every kind between two days."""
    found = []
    for kind in PeriodKind:
        period, of_kind = period_of(kind, date_of(first), 3), []
        while period.first <= last:
            of_kind.append(period)
            period = period.following
        found += chance.sample(of_kind, min(len(of_kind), _ASKED))
    return found


async def _told(tier: Tier, period: Period, regions: Subtree) -> dict[PeriodCell, tuple[int, ...]]:
    """Returns what a hub says of a period, cell by cell; cells of nothing are left out."""
    calendar = HubCalendar(settings_of(tier.hub_id))
    async with tier.ledger.read() as session:
        cells = await period_cells.cells(session, calendar.span(period, regions), Basis.LEDGER, KEPT)
    return {cell: counts for cell, counts in cells.items() if any(counts)}


def _added(parts: list[dict[PeriodCell, tuple[int, ...]]]) -> dict[PeriodCell, tuple[int, ...]]:
    sums: dict[PeriodCell, tuple[int, ...]] = {}
    for part in parts:
        for cell, counts in part.items():
            sums[cell] = _sum(sums.get(cell), counts)
    return sums


def _sum(some: tuple[int, ...] | None, more: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(some, more, strict=True))) if some else more
