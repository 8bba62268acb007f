"""Where a document goes: a letter the one way to its reader, however far, and a bulletin to everybody below."""

from hypothesis import given
from hypothesis import strategies as st

from exchange_db.peers import Peer
from exchange_db.regions import Tier, region_of, tier_of
from hub.apply.routing import Consignment, Router
from tests.support.builders import CITY, COUNTY, OTHER_COUNTY, PROVINCE
from tests.support.neighbours import a_peer

#: A federation: hub to its parent, and platform to the hub it is linked to.
PARENTS = {
    "430000.hub": "000000.hub",
    "440000.hub": "000000.hub",
    "431200.hub": "430000.hub",
    "431300.hub": "430000.hub",
    "431223.hub": "431200.hub",
}
PLATFORMS = {
    "431221.platform": "431200.hub",
    "431222.platform": "431200.hub",
    "431200.platform": "431200.hub",
    "431223.platform": "431223.hub",
    "431301.platform": "431300.hub",
    "430000.platform": "430000.hub",
    "440100.platform": "440000.hub",
}
LINKS = PARENTS | PLATFORMS
EVERYBODY = sorted({*LINKS, "000000.hub"})


def _peers(hub: str) -> tuple[Peer, ...]:
    below = [name for name, parent in LINKS.items() if parent == hub]
    found = [a_peer(name, "child", number) for number, name in enumerate(sorted(below), 1)]
    above = PARENTS.get(hub)
    return (*found, a_peer(above, "parent", 99)) if above else tuple(found)


def _walk(issuer: str, addressee: str) -> list[str]:
    """Returns whom a letter passes, from the hub it enters at to where it ends."""
    sender, here, passed = issuer, PLATFORMS.get(issuer, issuer), []
    while True:
        passed.append(here)
        assert len(passed) <= len(EVERYBODY), "it goes round in circles"
        peers = _peers(here)
        ways = Router(peers, here).of_letter(addressee, 7, sender)
        assert ways is not None, f"{here} knows no way to {addressee}"
        if not ways:
            return passed
        ((destination_id, inbox_ids),) = [(way.destination_id, way.inbox_ids) for way in ways]
        assert inbox_ids == (7,)
        onward = next(peer.peer_id for peer in peers if peer.destination_id == destination_id)
        assert onward != sender, "nothing goes back"
        if onward in PLATFORMS:
            return [*passed, onward]
        sender, here = here, onward


@given(st.sampled_from(EVERYBODY), st.sampled_from(EVERYBODY))
def test_a_letter_reaches_its_reader_wherever_they_are_and_passes_nobody_twice(issuer: str, addressee: str) -> None:
    passed = _walk(issuer, addressee)
    assert len(set(passed)) == len(passed)
    assert passed[-1] == (addressee if issuer != addressee else PLATFORMS.get(issuer, issuer))


def test_a_hub_that_knows_no_way_says_so() -> None:
    here = Router(_peers(CITY), CITY)
    assert here.of_letter("431229.platform", 7, CITY) is None, "in its own region, and not registered"
    assert here.of_letter("431200.other", 7, PROVINCE) is None
    assert Router(_peers("000000.hub"), "000000.hub").of_letter("450000.hub", 7, "430000.hub") is None
    assert here.of_letter(CITY, 7, PROVINCE) == []
    assert here.of_letter("431223.platform", 7, PROVINCE) == [Consignment(_number("431223.hub"), (7,))]


def _number(name: str) -> int:
    return next(peer.destination_id for peer in _peers(CITY) if peer.peer_id == name)


def test_a_bulletin_goes_to_everybody_below_in_its_region_and_not_up_or_back() -> None:
    here = Router(_peers(CITY), CITY)
    names = {peer.destination_id: peer.peer_id for peer in _peers(CITY)}

    def reached(region: int, sender: str) -> set[str]:
        return {names[way.destination_id] for way in here.of_bulletin(region, 7, sender)}

    assert reached(431200, CITY) == {COUNTY, OTHER_COUNTY, "431200.platform", "431223.hub"}
    assert reached(430000, PROVINCE) == {COUNTY, OTHER_COUNTY, "431200.platform", "431223.hub"}
    assert reached(431221, COUNTY) == {"431200.platform"}
    assert reached(431223, PROVINCE) == {"431223.hub", "431200.platform"}
    assert tier_of(region_of("431200.platform")) is Tier.CITY
