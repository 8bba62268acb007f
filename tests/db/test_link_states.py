"""How links stand, their outages, and what availability comes to: compared with counting seconds one by one."""

import random
from datetime import UTC, datetime, timedelta

from exchange_db import canaries, link_lags, links, outages, outbox, peers
from exchange_db.canaries import CanaryState
from exchange_db.inbox import Arrival, append, open_stream
from exchange_db.link_states import LinkHealth, LinkState, neighbours, states_of_link, states_of_links
from exchange_db.outages import WHOLE_HUB, Direction, Outage, Window
from exchange_db.peers import Peer
from exchange_db.session import Ledger
from tests.support.builders import CITY, COUNTY, PROVINCE, an_entry
from tests.support.clock import NOON
from tests.support.neighbours import FAR, PAST, enrolled

_ORIGIN = datetime(2026, 3, 1, tzinfo=UTC)
_SPAN = 600


async def _both(ledger: Ledger, peer: Peer) -> tuple[LinkState, LinkState]:
    async with ledger.read() as session:
        outgoing, incoming = await states_of_link(session, peer.peer_id, datetime.now(UTC))
    return outgoing, incoming


async def _fail(ledger: Ledger, peer: Peer, trouble: str = "no route", *, waited_seconds: float = 0.0) -> None:
    async with ledger.watching() as connection:
        await links.note_failure(connection.driver, peer.destination_id, trouble, 30, waited_seconds=waited_seconds)


async def _outages(ledger: Ledger, peer: Peer) -> list[Outage]:
    async with ledger.read() as session:
        return await outages.listing(session, peer.destination_id, _ORIGIN)


async def test_a_link_goes_down_with_its_first_failure_and_comes_back_with_the_first_answer(ledger: Ledger) -> None:
    peer = await enrolled(ledger, PROVINCE, "parent", address="h:1")
    assert (await _both(ledger, peer))[0].health is LinkHealth.UNKNOWN
    await _fail(ledger, peer, waited_seconds=20)
    await _fail(ledger, peer, "still no route")
    outgoing, incoming = await _both(ledger, peer)
    assert (outgoing.health, outgoing.reason) == (LinkHealth.DOWN, "LINK_UNREACHABLE")
    assert outgoing.last_error == "still no route"
    assert outgoing.next_try_time is not None
    assert incoming.health is LinkHealth.UNKNOWN, "the other direction is judged by itself"
    (outage,) = await _outages(ledger, peer)
    assert outage.end_time is None
    assert datetime.now(UTC) - outage.start_time >= timedelta(seconds=20), "it began when the answer was asked for"
    async with ledger.watching() as connection:
        await links.note_success(connection.driver, peer.destination_id)
    (ended,) = await _outages(ledger, peer)
    assert ended.start_time == outage.start_time
    assert ended.end_time is not None
    assert (await _both(ledger, peer))[0].health is LinkHealth.GOOD


async def test_a_link_that_owes_answers_is_well_again_only_when_it_moves(ledger: Ledger) -> None:
    peer = await enrolled(ledger, PROVINCE, "parent", address="h:1")
    async with ledger.watching() as connection:
        await connection.driver.execute("UPDATE links SET last_sequence = 5")
        await links.note_failure(connection.driver, peer.destination_id, "no answer", 1)
        await links.note_success(connection.driver, peer.destination_id)
        await links.confirm(connection.driver, peer.destination_id, 0)
        assert (await _outages(ledger, peer))[0].end_time is None
        await links.confirm(connection.driver, peer.destination_id, 3)
    assert (await _outages(ledger, peer))[0].end_time is not None
    outgoing, _ = await _both(ledger, peer)
    assert (outgoing.sent_sequence, outgoing.acked_sequence, outgoing.lag_records) == (5, 3, 2)


async def test_a_pause_is_an_outage_of_both_directions_until_it_is_ended(ledger: Ledger) -> None:
    peer = await enrolled(ledger, CITY, address="h:1")
    async with ledger.write() as session:
        assert await peers.set_paused(session, peer.peer_id, is_paused=True, by="me", reason="moving")
        assert not await peers.set_paused(session, peer.peer_id, is_paused=True)
    async with ledger.write() as session:
        await peers.note_contact(session, peer.destination_id)
        await links.note_success(session.driver, peer.destination_id)
    assert [state.health for state in await _both(ledger, peer)] == [LinkHealth.PAUSED] * 2
    assert {outage.end_time for outage in await _outages(ledger, peer)} == {None}, "a sign of life ends no pause"
    async with ledger.read() as session:
        paused = await peers.pause_of(session, peer.peer_id)
        assert paused is not None
        assert paused[1:] == ("me", "moving")
        assert not await links.is_welcome(session.driver, peer.destination_id, peer.thumbprint)
        assert await links.refusal_of(session.driver, peer.destination_id) == "LINK_PAUSED"
    async with ledger.write() as session:
        assert await peers.set_paused(session, peer.peer_id, is_paused=False)
    assert all(outage.end_time for outage in await _outages(ledger, peer))


async def test_a_silence_begins_with_the_last_word_and_ends_with_the_next(ledger: Ledger) -> None:
    hub = await enrolled(ledger, CITY)
    platform = await enrolled(ledger, COUNTY)
    async with ledger.watching() as connection:
        driver = connection.driver
        await driver.execute("UPDATE links SET heard_time = now() - interval '100 s'")
        long_ago = datetime.now(UTC) - timedelta(days=1)
        directions = (Direction.IN, Direction.OUT)
        assert await outages.note_silence(driver, 60, datetime.now(UTC), directions) == 0, "it was away itself"
        assert await outages.note_silence(driver, 60, long_ago, directions) == 2
        assert await outages.note_silence(driver, 60, long_ago, directions) == 0
        cursor = await driver.execute("SELECT heard_time FROM links WHERE destination_id = %s", (hub.destination_id,))
        (heard_time,) = await cursor.fetchone() or ()
    assert {outage.start_time for outage in await _outages(ledger, hub)} == {heard_time}
    assert await _outages(ledger, platform) == [], "a platform calls when it has something to say"
    async with ledger.write() as session:
        await peers.note_contact(session, hub.destination_id, waiting_count=7)
    assert all(outage.end_time for outage in await _outages(ledger, hub))
    assert (await _both(ledger, hub))[1].lag_records == 7


async def test_a_platform_that_only_pushes_is_no_unknown_one(ledger: Ledger) -> None:
    peer = await enrolled(ledger, COUNTY)
    assert [state.health for state in await _both(ledger, peer)] == [LinkHealth.UNKNOWN] * 2
    async with ledger.write() as session:
        stream = await open_stream(session, COUNTY, "cases")
        await append(session, [Arrival(stream.stream_id, COUNTY, peer.thumbprint, 1, [an_entry()])], NOON)
    outgoing, incoming = await _both(ledger, peer)
    assert (outgoing.health, incoming.health) == (LinkHealth.GOOD, LinkHealth.GOOD)
    assert (outgoing.last_success_time, incoming.last_success_time is not None) == (None, True)


async def test_a_break_of_the_hub_is_noted_when_it_is_back(ledger: Ledger) -> None:
    async with ledger.watching() as connection:
        first = await outages.sign(connection.driver, 60)
        assert await outages.sign(connection.driver, 60) == first
        await connection.driver.execute("UPDATE hub_signs SET seen_time = now() - interval '10 minutes'")
        assert await outages.sign(connection.driver, 60) > first
    async with ledger.read() as session:
        (outage,) = await outages.listing(session, WHOLE_HUB, _ORIGIN)
        accounts = await outages.accounts(session, [WHOLE_HUB], outage.start_time, datetime.now(UTC))
    assert (outage.direction, outage.cause) == ("hub", "HUB_DOWN")
    assert outage.end_time is not None
    assert round((outage.end_time - outage.start_time).total_seconds()) == 600
    assert round(accounts[WHOLE_HUB].down_seconds) == 600


async def test_what_has_no_number_is_counted_in_turns_and_when_somebody_looks(ledger: Ledger) -> None:
    peer, other = await enrolled(ledger, CITY), await enrolled(ledger, COUNTY)
    async with ledger.dedicated() as connection, connection.transaction() as session:
        packed = [outbox.pack_entry(peer.destination_id, at % 3, at, 0, at) for at in range(1, 6)]
        await outbox.add(session, packed)
    async with ledger.watching() as connection:
        assert await link_lags.count_next(connection.driver, 1) == 1
        assert await link_lags.count_next(connection.driver, 5) == 2
    async with ledger.read() as session:
        states = await states_of_links(session, 431200, datetime.now(UTC))
        assert (await link_lags.lag_of(session, peer.destination_id)).due_count == 5
        assert await peers.waiting_count(session, peer.destination_id) == 5
    lags = {(state.peer_id, state.direction): state.lag_records for state in states}
    assert lags[CITY, "out"] == 5
    assert lags[other.peer_id, "out"] == 0


async def test_health_is_what_people_did_then_what_is_planned_then_what_broke(ledger: Ledger) -> None:
    peer = await enrolled(ledger, CITY, address="h:1", certificate_end_time=PAST)
    assert (await _both(ledger, peer))[0].reason == "CERTIFICATE_EXPIRED"
    await _fail(ledger, peer)
    now = datetime.now(UTC)
    window = Window(WHOLE_HUB, now - timedelta(minutes=1), now + timedelta(hours=1), "upgrade", "me", now)
    async with ledger.watching() as connection:
        await outages.plan(connection.driver, window)
    assert (await _both(ledger, peer))[0].health is LinkHealth.MAINTENANCE
    async with ledger.write() as session:
        await peers.set_state(session, peer.peer_id, "waiting")
    assert (await _both(ledger, peer))[0].health is LinkHealth.WAITING
    async with ledger.watching() as connection:
        assert await outages.call_off(connection.driver, WHOLE_HUB, datetime.now(UTC)) == 1
        assert await outages.call_off(connection.driver, WHOLE_HUB, datetime.now(UTC)) == 0


async def test_a_late_canary_makes_a_link_slow_that_is_well_otherwise(ledger: Ledger) -> None:
    peer = await enrolled(ledger, PROVINCE, "parent", address="h:1")
    async with ledger.write() as session:
        await peers.note_contact(session, peer.destination_id)
        await canaries.note_able(session, PROVINCE, is_able=True)
        assert await canaries.begin(session, 1, 9, is_broken_only=True) == [], "its link is well"
        assert await canaries.begin(session, 1, 9) == [PROVINCE]
    assert (await _both(ledger, peer))[0].health is LinkHealth.GOOD
    async with ledger.write() as session:
        await session.driver.execute("UPDATE canaries SET sent_time = now() - interval '1 hour'")
    outgoing, incoming = await _both(ledger, peer)
    assert (outgoing.health, outgoing.reason) == (LinkHealth.SLOW, "LINK_CANARY_LATE")
    assert incoming.health is LinkHealth.GOOD
    async with ledger.read() as session:
        (one,) = await neighbours(session, None, datetime.now(UTC))
    assert (one.peer, one.worse.reason, one.health) == (peer, "LINK_CANARY_LATE", LinkHealth.SLOW)


async def test_a_link_that_broke_is_asked_by_one_canary_which_is_late_until_it_is_back(ledger: Ledger) -> None:
    peer, other = await enrolled(ledger, PROVINCE, "parent", address="h:1"), await enrolled(ledger, CITY)
    async with ledger.write() as session:
        for name in (peer.peer_id, other.peer_id):
            await canaries.note_able(session, name, is_able=True)
    await _fail(ledger, peer)
    async with ledger.watching() as connection:
        assert await canaries.is_missing_on_broken(connection.driver)
    async with ledger.write() as session:
        assert await canaries.begin(session, 1, 9, is_broken_only=True) == [PROVINCE]
        assert await canaries.begin(session, 2, 9, is_broken_only=True) == [], "one is under way"
    async with ledger.watching() as connection:
        assert not await canaries.is_missing_on_broken(connection.driver)
        states = {name: one.state for name, one in (await canaries.latest(connection)).items()}
        assert states == {PROVINCE: CanaryState.LATE, CITY: CanaryState.UNSENT}
        await links.note_success(connection.driver, peer.destination_id)
        assert (await canaries.latest(connection))[PROVINCE].state is CanaryState.UNDER_WAY
        await canaries.note_returned(connection, [(PROVINCE, 1)])
        assert (await canaries.latest(connection))[PROVINCE].state is CanaryState.RETURNED


async def test_availability_is_what_counting_seconds_gives(ledger: Ledger) -> None:
    """Any outages and windows, overlapping as they like, open or not, of the link or of the whole hub."""
    dice = random.Random(20261122)
    expected: dict[int, tuple[int, int]] = {}
    whole_down = _random_spans(dice, 2)
    whole_planned = _random_spans(dice, 2)
    async with ledger.write() as session:
        for number in range(40):
            entry = peers.NewPeer(f"4312{number:02d}.hub", "x", 431200 + number, "hub", "child", "", f"t{number}", FAR)
            await peers.enrol(session, entry)
    async with ledger.watching() as connection:
        driver = connection.driver
        await driver.execute("UPDATE peers SET joined_time = %s", (_ORIGIN - timedelta(days=1),))
        for low, high in whole_down:
            await outages.note_past(driver, Outage(0, "hub", _at(low), _at(high), "HUB_DOWN", ""))
        for low, high in whole_planned:
            await outages.plan(driver, Window(0, _at(low), _at(high), "x", "me", _ORIGIN))
        cursor = await driver.execute("SELECT destination_id FROM peers ORDER BY 1")
        for (destination_id,) in await cursor.fetchall():
            down, planned = set(_seconds(whole_down)), set(_seconds(whole_planned))
            for direction in ("out", "in"):
                spans = _random_spans(dice, dice.randrange(5))
                for low, high in spans:
                    outage = Outage(destination_id, direction, _at(low), _at(high), "LINK_UNREACHABLE", "")
                    await outages.note_past(driver, outage)
                down |= _seconds(spans)
                if dice.random() < 0.3:
                    begin = dice.randrange(-50, _SPAN)
                    await outages.begin_at(driver, destination_id, Direction(direction), "LINK_SILENT", _at(begin))
                    down |= _seconds([(begin, _SPAN)])
            spans = _random_spans(dice, dice.randrange(4))
            for low, high in spans:
                await outages.plan(driver, Window(destination_id, _at(low), _at(high), "x", "me", _ORIGIN))
            planned |= _seconds(spans)
            expected[destination_id] = len(down - planned), len(planned)
    async with ledger.read() as session:
        accounts = await outages.accounts(session, expected, _at(0), _at(_SPAN))
        share = await outages.availability(session, "431200.hub", _at(0), _at(_SPAN))
    found = {key: (round(one.down_seconds), round(one.planned_seconds)) for key, one in accounts.items()}
    assert found == expected
    first = min(expected)
    down_seconds, planned_seconds = expected[first]
    assert share == accounts[first].share
    assert abs(share - (1 - down_seconds / (_SPAN - planned_seconds))) < 1e-9


def _at(second: int) -> datetime:
    return _ORIGIN + timedelta(seconds=second)


def _random_spans(dice: random.Random, count: int) -> list[tuple[int, int]]:
    """Spans of seconds that may begin before and end after the one looked at; no two begin together."""
    begins = dice.sample(range(-60, _SPAN + 40), count)
    return [(begin, begin + dice.randrange(1, 150)) for begin in begins]


def _seconds(spans: list[tuple[int, int]]) -> set[int]:
    return {second for low, high in spans for second in range(max(0, low), min(high, _SPAN))}
