"""Whatever happens to cases after the cut-offs, frozen numbers and corrections together are what is counted."""

import random

import pytest

from exchange_db import frozen_figures, period_cells
from exchange_db.figures import Basis
from exchange_db.records import AssignmentState
from exchange_db.session import Ledger
from hub.statistics.causes import Reason
from tests.support.applied import Written, a_closed_case, a_filed_case
from tests.support.builders import CITY, DAY, HOUR, a_case, an_assignment
from tests.support.clock import NOON, FakeClock, at
from tests.support.periods import City, settings_of

_ROUNDS = ("2020-06-20", "2020-07-05", "2020-07-20", "2020-08-06", "2020-10-10", "2021-01-20")


def _deeds(number: int, source: random.Random) -> list[Written]:
    """What happens to one case: it is filed, dispatched, perhaps moved, and closed, voided or left open."""
    case_no = f"storm-{number}"
    reported_time = NOON + source.randrange(0, 60) * DAY
    if source.random() < 0.3:
        # Closed at once, wherever that falls.
        return a_closed_case(
            case_no, reported_time=reported_time, deadline_time=reported_time + source.randrange(1, 40) * DAY,
            close_requested_time=reported_time + source.randrange(4, 900) * HOUR,
        )  # fmt: skip
    deeds = a_filed_case(case_no, reported_time=reported_time, source_code=source.choice(["01", "02"]))
    for revision in range(1, source.randrange(2, 5)):
        deadline_time = reported_time + source.randrange(1, 60) * DAY
        state = source.choice([AssignmentState.DISPATCHED] * 4 + [AssignmentState.VOID])
        changes = {"reason": "误报", "acted_time": reported_time + revision} if state is AssignmentState.VOID else {}
        assignment = an_assignment(
            revision, state, unit_code=source.choice(["hw01", "hw02"]), deadline_time=deadline_time,
            original_deadline_time=deadline_time, dispatched_time=reported_time + HOUR, **changes,
        )  # fmt: skip
        deeds.append((a_case(case_no, assignment=assignment), CITY))
        if state is AssignmentState.VOID:
            break
    return deeds


@pytest.mark.parametrize("seed", [1, 2])
async def test_frozen_and_corrected_is_what_is_counted_and_every_difference_has_its_cases(
    ledger: Ledger, clock: FakeClock, seed: int
) -> None:
    source = random.Random(seed)
    city = City.over(ledger, clock, settings_of(frozen=("evaluation_week", "month", "quarter"), first_weekday=6))
    waiting = [_deeds(number, source) for number in range(40)]
    for day in _ROUNDS:
        clock.now = at(f"{day}T08:00:00+08:00")
        now: list[Written] = []
        for deeds in waiting:
            for _ in range(min(len(deeds), source.randrange(0, 3))):
                now.append(deeds.pop(0))
        if now:
            await city.apply(*now)
        await city.freezer.run()
        if source.random() < 0.7:
            await city.corrections.run()
    await city.apply(*[deed for deeds in waiting for deed in deeds])
    await city.corrections.run()
    rows = await city.freezer.listing(limit=100)
    assert len(rows) > 30
    for row in rows:
        span = city.calendar.span(city.calendar.period(row))
        async with ledger.read() as session:
            said = await frozen_figures.published(
                session, row.key, row.counters, city.calendar.regions, row.revision - 1
            )
            live = await period_cells.cells(session, span, Basis.LEDGER)
            cursor = await session.driver.execute(
                "SELECT count(*) FROM correction_lines WHERE kind = %s AND first_day = %s AND reason = %s",
                (row.kind, row.first_day, Reason.RECOUNTED),
            )
            assert await cursor.fetchone() == (0,), f"seed {seed}: a difference of {row.key} has no case"
        assert {cell: counts for cell, counts in said.items() if any(counts)} == {
            cell: counts for cell, counts in live.items() if any(counts)
        }, f"seed {seed}: {row.key}"
    assert sum(row.revision - 1 for row in rows) > 10
