"""The registry: entering, finding, blocking and inviting neighbours, and how their links stand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy.exc

from exchange_db import links, peer_certificates, peers
from exchange_db.inbox import Arrival, append, open_stream
from exchange_db.link_states import states_of_link
from exchange_db.peers import Invitation
from exchange_db.session import Ledger
from tests.support.builders import CITY, COUNTY, OTHER_COUNTY, PROVINCE, an_entry
from tests.support.clock import NOON
from tests.support.neighbours import FAR, PAST, a_new_peer, enrolled

NOW = datetime(2020, 6, 15, 2, tzinfo=UTC)


def _invitation(code: str = "digest", peer_id: str = COUNTY) -> Invitation:
    return Invitation(code, peer_id, 431221, "platform", "child", NOW + timedelta(days=7))


async def test_a_neighbour_is_found_by_its_name_and_by_its_certificate(ledger: Ledger) -> None:
    entered = await enrolled(ledger, COUNTY)
    async with ledger.read() as session:
        assert await peers.by_id(session, COUNTY) == entered
        assert await peers.by_thumbprint(session, f"thumb-{COUNTY}") == entered
        assert await peers.by_thumbprint(session, "other") is None
        assert await peers.by_id(session, OTHER_COUNTY) is None
    assert (entered.state, entered.relation, entered.region) == ("active", "child", 431221)


async def test_entering_again_renews_the_certificate_and_keeps_the_link(ledger: Ledger) -> None:
    first = await enrolled(ledger, COUNTY)
    async with ledger.write() as session:
        await peers.note_contact(session, first.destination_id, 1_234)
    renewed = await enrolled(ledger, COUNTY, thumbprint="renewed", address="10.0.0.1:7443")
    assert renewed.destination_id == first.destination_id
    async with ledger.read() as session:
        assert await peers.by_thumbprint(session, first.thumbprint) is None
        assert await peers.by_thumbprint(session, "renewed") == renewed
        state, _ = await states_of_link(session, COUNTY, datetime.now(UTC))
    assert state.clock_skew_ms == 1_234


async def test_two_neighbours_cannot_share_a_certificate(ledger: Ledger) -> None:
    await enrolled(ledger, COUNTY)
    async with ledger.write() as session:
        with pytest.raises(sqlalchemy.exc.IntegrityError):
            await peers.enrol(session, a_new_peer(OTHER_COUNTY, thumbprint=f"thumb-{COUNTY}"))


async def test_a_neighbour_is_blocked_and_welcomed_again(ledger: Ledger) -> None:
    await enrolled(ledger, COUNTY)
    async with ledger.write() as session:
        assert await peers.set_state(session, COUNTY, "blocked")
        assert not await peers.set_state(session, OTHER_COUNTY, "blocked")
    async with ledger.read() as session:
        assert [peer.state for peer in await peers.all_peers(session)] == ["blocked"]


async def test_the_registry_is_listed_by_name(ledger: Ledger) -> None:
    for peer_id in (OTHER_COUNTY, PROVINCE, COUNTY):
        await enrolled(ledger, peer_id)
    async with ledger.read() as session:
        assert [peer.peer_id for peer in await peers.all_peers(session)] == [PROVINCE, COUNTY, OTHER_COUNTY]


async def test_an_invitation_is_redeemed_once_by_whom_it_is_made_out_to(ledger: Ledger) -> None:
    async with ledger.write() as session:
        await peers.invite(session, _invitation())
        assert await peers.redeem(session, "other", COUNTY, NOW) is None
        assert await peers.redeem(session, "digest", OTHER_COUNTY, NOW) is None
        assert await peers.redeem(session, "digest", COUNTY, NOW + timedelta(days=7)) is None
        assert await peers.redeem(session, "digest", COUNTY, NOW) == _invitation()
        assert await peers.redeem(session, "digest", COUNTY, NOW) is None


async def test_a_second_invitation_ends_the_first(ledger: Ledger) -> None:
    async with ledger.write() as session:
        await peers.invite(session, _invitation("first"))
        await peers.invite(session, _invitation("second"))
        await peers.invite(session, _invitation("theirs", OTHER_COUNTY))
        assert await peers.redeem(session, "first", COUNTY, NOW) is None
        assert await peers.redeem(session, "second", COUNTY, NOW) is not None
        assert await peers.redeem(session, "theirs", OTHER_COUNTY, NOW) is not None


async def test_a_contact_ends_a_pause(ledger: Ledger) -> None:
    peer = await enrolled(ledger, PROVINCE, "parent")
    async with ledger.write() as session:
        assert not await peers.note_contact(session, peer.destination_id)
        await session.driver.execute("UPDATE links SET retry_time = now() + interval '1 hour'")
        assert await peers.note_contact(session, peer.destination_id)
        state, _ = await states_of_link(session, PROVINCE, datetime.now(UTC))
    assert state.next_try_time is None
    assert state.last_success_time is not None


@pytest.mark.parametrize(
    ("changes", "is_welcome"),
    [({}, True), ({"certificate_end_time": PAST}, False), ({"thumbprint": "exchanged"}, False)],
)
async def test_an_open_stream_is_stopped_when_its_certificate_no_longer_counts(
    ledger: Ledger, changes: dict[str, Any], *, is_welcome: bool
) -> None:
    await enrolled(ledger, CITY, certificate_end_time=FAR)
    async with ledger.write() as session:
        stream = await open_stream(session, CITY, "cases")
        first = Arrival(stream.stream_id, CITY, f"thumb-{CITY}", 1, [an_entry()])
        (answer,) = await append(session, [first], NOON)
        assert answer.outcomes == "D"
    await enrolled(ledger, CITY, **changes)
    async with ledger.write() as session:
        (answer,) = await append(session, [first._replace(first_sequence=2, items=[an_entry()])], NOON)
    assert answer.is_blocked is not is_welcome
    assert answer.outcomes == ("D" if is_welcome else "")


async def test_an_open_stream_of_a_blocked_neighbour_is_stopped(ledger: Ledger) -> None:
    await enrolled(ledger, CITY)
    async with ledger.write() as session:
        stream = await open_stream(session, CITY, "cases")
        await peers.set_state(session, CITY, "blocked")
        arrival = Arrival(stream.stream_id, CITY, f"thumb-{CITY}", 1, [an_entry()])
        assert (await append(session, [arrival], NOON))[0].is_blocked


async def _taken(ledger: Ledger, thumbprint: str, sequence: int) -> bool:
    async with ledger.write() as session:
        stream = await open_stream(session, CITY, "cases")
        (answer,) = await append(session, [Arrival(stream.stream_id, CITY, thumbprint, sequence, [an_entry()])], NOON)
    return not answer.is_blocked


async def test_two_certificates_of_a_neighbour_count_until_the_earlier_one_ends(ledger: Ledger) -> None:
    first = f"thumb-{CITY}"
    entered = await enrolled(ledger, CITY)
    async with ledger.write() as session:
        await peer_certificates.renew(session, CITY, "next", FAR, None)
    assert await _taken(ledger, first, 1)
    assert await _taken(ledger, "next", 2)
    async with ledger.read() as session:
        found = await peers.by_thumbprint(session, first)
        assert found is not None
        assert found == await peers.by_thumbprint(session, "next")
        assert found.end_of(first) == found.end_of("next") == FAR
        assert found.end_of("other") is None
        assert await links.is_welcome(session.driver, entered.destination_id, first)
        assert await links.is_welcome(session.driver, entered.destination_id, "next")
        assert not await links.is_welcome(session.driver, entered.destination_id, "other")
    async with ledger.write() as session:
        await session.driver.execute("UPDATE peers SET earlier_end_time = %s", (PAST,))
    assert not await _taken(ledger, first, 3)
    assert await _taken(ledger, "next", 3)


async def test_the_overlap_is_never_longer_than_the_certificate_of_before(ledger: Ledger) -> None:
    soon = datetime(2098, 1, 1, tzinfo=UTC)
    for until, end in ((None, FAR), (soon, soon), (datetime(2199, 1, 1, tzinfo=UTC), FAR)):
        await enrolled(ledger, CITY, certificate_end_time=FAR)
        async with ledger.write() as session:
            await peer_certificates.renew(session, CITY, "next", datetime(2200, 1, 1, tzinfo=UTC), until)
            found = await peers.by_id(session, CITY)
        assert found is not None
        assert found.earlier_end_time == end


@pytest.mark.parametrize(("withdrawn", "stays"), [("next", f"thumb-{CITY}"), (f"thumb-{CITY}", "next")])
async def test_either_of_two_certificates_is_withdrawn_and_the_other_stays(
    ledger: Ledger, withdrawn: str, stays: str
) -> None:
    await enrolled(ledger, CITY)
    async with ledger.write() as session:
        assert not await peer_certificates.withdraw(session, CITY, f"thumb-{CITY}")
        await peer_certificates.renew(session, CITY, "next", FAR, None)
        assert not await peer_certificates.withdraw(session, CITY, "other")
        assert not await peer_certificates.withdraw(session, COUNTY, withdrawn)
        assert await peer_certificates.withdraw(session, CITY, withdrawn)
        assert not await peer_certificates.withdraw(session, CITY, stays)
        assert await peers.by_thumbprint(session, withdrawn) is None
    assert not await _taken(ledger, withdrawn, 1)
    assert await _taken(ledger, stays, 1)


async def test_who_joins_anew_keeps_no_earlier_certificate(ledger: Ledger) -> None:
    await enrolled(ledger, CITY)
    async with ledger.write() as session:
        await peer_certificates.renew(session, CITY, "next", FAR, None)
    renewed = await enrolled(ledger, CITY, thumbprint="third")
    assert (renewed.thumbprint, renewed.earlier_thumbprint, renewed.earlier_end_time) == ("third", None, None)
