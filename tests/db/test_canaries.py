"""What is kept of canaries: one row a neighbour, one question under way, and what its answer tells."""

from exchange_db import canaries
from exchange_db.canaries import Canary, CanaryState
from exchange_db.session import Ledger
from hub.readiness import readiness
from tests.support.neighbours import enrolled

UPPER, LOWER = "430000.hub", "431200.hub"


async def _latest(ledger: Ledger) -> dict[str, Canary]:
    async with ledger.read() as session:
        return await canaries.latest(session)


async def _begin(ledger: Ledger, now: int, peer_id: str = "") -> list[str]:
    async with ledger.write() as session:
        return await canaries.begin(session, now, 10, peer_id)


async def test_a_question_is_asked_where_it_is_understood_and_one_at_a_time(ledger: Ledger) -> None:
    await enrolled(ledger, UPPER)
    await enrolled(ledger, LOWER)
    async with ledger.write() as session:
        await canaries.note_able(session, UPPER, is_able=True)
        await canaries.note_able(session, LOWER, is_able=False)
    assert {name: canary.state for name, canary in (await _latest(ledger)).items()} == {
        UPPER: CanaryState.UNSENT,
        LOWER: CanaryState.IMPOSSIBLE,
    }
    assert await _begin(ledger, 100, LOWER) == []
    assert await _begin(ledger, 100) == [UPPER]
    assert await _begin(ledger, 200) == [], "one is under way"
    assert (await _latest(ledger))[UPPER].state is CanaryState.UNDER_WAY
    async with ledger.write() as session:
        await canaries.note_returned(session, [(UPPER, 99)])
    assert (await _latest(ledger))[UPPER].seconds is None, "an answer to another question"
    async with ledger.write() as session:
        await canaries.note_returned(session, [(UPPER, 100)])
    back = (await _latest(ledger))[UPPER]
    assert (back.state, back.waiting_seconds) == (CanaryState.RETURNED, 0)
    assert back.seconds is not None
    assert await _begin(ledger, 300) == [UPPER]
    under_way = (await _latest(ledger))[UPPER]
    assert under_way.seconds == back.seconds, "the last time stands until there is a new one"
    assert under_way.last_returned_time == back.last_returned_time


async def test_late_is_what_takes_longer_than_it_may(ledger: Ledger) -> None:
    await enrolled(ledger, UPPER)
    async with ledger.write() as session:
        await canaries.note_able(session, UPPER, is_able=True)
    await _begin(ledger, 100)
    for ago, seconds, state in (
        (20, None, CanaryState.UNDER_WAY),
        (60, None, CanaryState.LATE),
        (60, 600.0, CanaryState.UNDER_WAY),
        (1_900, 600.0, CanaryState.LATE),
    ):
        async with ledger.write() as session:
            await session.driver.execute(
                "UPDATE canaries SET sent_time = now() - make_interval(secs => %s), seconds = %s", (ago, seconds)
            )
        assert (await _latest(ledger))[UPPER].state is state


async def test_a_question_that_was_lost_is_asked_anew_after_an_hour(ledger: Ledger) -> None:
    await enrolled(ledger, UPPER)
    async with ledger.write() as session:
        await canaries.note_able(session, UPPER, is_able=True)
    await _begin(ledger, 100)
    async with ledger.write() as session:
        await session.driver.execute("UPDATE canaries SET sent_time = now() - interval '2 hours'")
    assert await _begin(ledger, 200) == [UPPER]


async def test_a_neighbours_question_is_answered_once_and_only_the_newest(ledger: Ledger) -> None:
    await enrolled(ledger, LOWER)
    async with ledger.write() as session:
        await canaries.note_asked(session, [(LOWER, 5), (LOWER, 7), (LOWER, 6)])
    async with ledger.read() as session:
        waiting = await canaries.unanswered(session)
    assert waiting == [(LOWER, 7)]
    async with ledger.write() as session:
        await canaries.note_answered(session, waiting)
        await canaries.note_asked(session, [(LOWER, 7)])
        assert await canaries.unanswered(session) == []
    assert (await _latest(ledger))[LOWER].state is CanaryState.UNSENT, "who asks knows canaries"


async def test_a_process_is_ready_when_tables_fit_and_leases_can_be_taken(ledger: Ledger) -> None:
    found = await readiness(ledger, "one")
    assert found.is_ready, found
    async with ledger.write() as session:
        await session.driver.execute("UPDATE alembic_version SET version_num = '0001'")
    old = await readiness(ledger, "one")
    assert (old.is_ready, old.is_at_head, old.database) == (False, False, True)
    assert "0001" in old.trouble


async def test_without_a_database_nothing_is_ready() -> None:
    async with Ledger("postgresql://postgres@127.0.0.1:9/none", pool_size=0) as away:
        found = await readiness(away, "one")
    assert (found.is_ready, found.database) == (False, False)
    assert found.trouble
