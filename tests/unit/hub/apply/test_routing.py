"""Where a record goes on to: up, and down to whoever has a part in it, never back."""

from typing import Any

from exchange_db.cases import CaseRow
from exchange_db.peers import Peer
from hub.apply.routing import Consignment, Router
from tests.support.builders import CITY, COUNTY, OTHER_COUNTY, PROVINCE, a_case_row
from tests.support.neighbours import a_peer

UP = a_peer(PROVINCE, "parent", 1)
HOME = a_peer(COUNTY, destination_id=2)
OTHER = a_peer(OTHER_COUNTY, destination_id=3)
HUB_BELOW = a_peer("431223.hub", destination_id=4)
PEERS: tuple[Peer, ...] = (UP, HOME, OTHER, HUB_BELOW)


def _case(**changes: Any) -> CaseRow:
    return a_case_row(**{"report_inbox_id": 1} | changes)


def _destinations(
    before: CaseRow | None, after: CaseRow, sender_id: str, inbox_id: int = 9
) -> dict[int, tuple[int, ...]]:
    consignments = Router(PEERS).of_case(before, after, inbox_id, sender_id)
    return {consignment.destination_id: consignment.inbox_ids for consignment in consignments}


def test_a_new_report_goes_up_and_not_back_to_its_sender() -> None:
    assert _destinations(None, _case(report_inbox_id=9), COUNTY) == {1: (9,)}


def test_what_the_hub_itself_writes_goes_to_every_party() -> None:
    row = _case(handler_id=OTHER_COUNTY)
    assert _destinations(row, row, CITY) == {1: (9,), 2: (9,), 3: (9,)}


def test_what_comes_from_above_goes_down_only() -> None:
    row = _case(handler_id=OTHER_COUNTY)
    assert _destinations(row, row, PROVINCE) == {2: (9,), 3: (9,)}


def test_a_platform_that_becomes_a_party_gets_what_was_there_before() -> None:
    before = _case(verdict_inbox_id=4)
    after = _case(verdict_inbox_id=4, handler_id=OTHER_COUNTY, assignment_inbox_id=9)
    assert _destinations(before, after, CITY) == {1: (9,), 2: (9,), 3: (1, 4, 9)}


def test_a_platform_that_is_no_party_any_more_is_told_so() -> None:
    before = _case(handler_id=OTHER_COUNTY, assignment_inbox_id=4)
    after = _case(handler_id=COUNTY, assignment_inbox_id=9)
    assert _destinations(before, after, CITY)[3] == (9,)


def test_a_hub_below_gets_the_cases_of_the_platforms_under_it() -> None:
    row = _case(handler_id="431223.platform")
    assert _destinations(row, row, CITY)[4] == (9,)
    assert 4 not in _destinations(None, _case(), CITY)


def test_a_platform_gets_no_case_of_another_platform_of_its_own_region() -> None:
    row = _case(handler_id="431222.greening")
    assert 3 not in _destinations(row, row, CITY)


def test_a_changed_registry_is_obeyed_at_once() -> None:
    row = _case(handler_id=OTHER_COUNTY)
    assert [consignment.destination_id for consignment in Router(PEERS[:2]).of_case(row, row, 9, CITY)] == [1, 2]
    assert [consignment.destination_id for consignment in Router(PEERS[:1]).of_case(row, row, 9, CITY)] == [1]


def test_a_component_goes_up_and_down_to_the_children_of_its_region() -> None:
    def ways(owner_id: str, regions: set[int], sender_id: str) -> list[int]:
        return [way.destination_id for way in Router(PEERS).of_component(owner_id, regions, 9, sender_id)]

    assert ways(COUNTY, {431221}, COUNTY) == [1]
    assert ways("431200.platform", {431222}, "431200.platform") == [1, 3]
    assert ways("431200.platform", {431221, 431222}, "431200.platform") == [1, 2, 3]
    assert ways("430000.platform", {431223}, PROVINCE) == [4]
    # A hub has the components of its own platforms from them.
    assert ways("431223.platform", {431223}, "431223.platform") == [1]


def test_a_sheet_goes_up_only() -> None:
    assert Router(PEERS).of_sheet(9, CITY) == [Consignment(1, (9,))]
    assert Router(PEERS).of_sheet(9, PROVINCE) == []
