"""Components in the ledger: what is stored is the record, the revision decides, and every change is noted."""

from typing import Any

import msgspec
import pytest

from connectors.crs import Converter
from exchange_db import components
from exchange_db.components import Box, ComponentFilter, component_of
from exchange_db.keys import component_key
from exchange_db.records import Component, ComponentState, Crs, Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.components.reading import ComponentQuery, ComponentReader
from tests.support.applied import apply_records, apply_waiting, take_in
from tests.support.builders import COUNTY, DAY, OTHER_COUNTY, PROVINCE, a_case, a_component, a_payload, a_principal
from tests.support.clock import NOON
from tests.support.neighbours import enrolled

HERE = subtree(431200)


async def _listed(ledger: Ledger, **wanted: Any) -> list[Component]:
    async with ledger.read() as session:
        rows = await components.listing(session, ComponentFilter(HERE, **wanted), 1_000)
    return [component_of(row) for row in rows]


async def _history(ledger: Ledger, component: Component) -> list[tuple[int, tuple[str, ...]]]:
    key = component_key(component.owner_id, component.component_id)
    async with ledger.read() as session:
        changes = await components.history(session, int(component.owner_id[:6]), key)
    return [(change.revision, change.fields) for change in changes]


async def test_every_field_is_stored_and_read_back(ledger: Ledger) -> None:
    whole = a_component(changed_time=NOON, note="井盖\n松动", id_scheme="GB/T-30428.2-2013", crs=Crs.GCJ02)
    assert all(msgspec.structs.astuple(whole)), "a field of the example is empty"
    await apply_records(ledger, whole)
    assert await _listed(ledger) == [whole]


async def test_the_higher_revision_holds_and_what_changed_is_noted(ledger: Ledger) -> None:
    first = a_component()
    second = a_component(revision=2, state=ComponentState.BROKEN, changed_time=NOON)
    fourth = a_component(revision=4, maintainer_code="sz02", state=ComponentState.BROKEN, changed_time=NOON)
    await apply_records(ledger, first, second)
    await apply_records(ledger, fourth, a_component(revision=3, name="雨水井盖"))
    await apply_records(ledger, a_component(revision=4, name="电力井盖"))
    assert await _listed(ledger) == [fourth]
    assert await _history(ledger, first) == [(1, ()), (2, ("state", "changed_time")), (4, ("maintainer_code",))]


async def test_cases_and_components_share_a_run(ledger: Ledger) -> None:
    await apply_records(ledger, a_case("2020-0001"), a_component(), a_case("2020-0002"), a_component(2))
    assert len(await _listed(ledger)) == 2
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT count(*) FROM cases")
        assert await cursor.fetchone() == (2,)


async def test_the_same_code_at_two_platforms_is_two_components(ledger: Ledger) -> None:
    other = a_component(owner_id=OTHER_COUNTY, region_code="431222")
    await apply_records(ledger, a_component(), other)
    assert {found.owner_id for found in await _listed(ledger)} == {COUNTY, OTHER_COUNTY}


async def test_a_component_goes_up_and_down_once_and_its_receipt_says_so(ledger: Ledger) -> None:
    peers = (await enrolled(ledger, PROVINCE, "parent"), await enrolled(ledger, COUNTY))
    city = a_component(owner_id="431200.platform")
    await take_in(ledger, [a_payload(city), a_payload(city)], now=NOON + DAY)
    await take_in(ledger, [a_payload(a_component(7))], sender=a_principal(COUNTY), now=NOON + DAY)
    await apply_waiting(ledger, peers=peers)
    async with ledger.read() as session:
        sent = await session.driver.execute(
            "SELECT p.peer_id, count(*) FROM outbox o JOIN peers p USING (destination_id) GROUP BY 1 ORDER BY 1"
        )
        assert await sent.fetchall() == [(PROVINCE, 2), (COUNTY, 1)]
        told = await session.driver.execute("SELECT state, count(*) FROM receipt_exceptions GROUP BY 1")
        assert len(await told.fetchall()) == 1


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [1, 2, 3, 4]),
        ({"class_code": "03"}, [2]),
        ({"class_code": "0301"}, [2]),
        ({"standard_ref": "GB/T-47678.5-2026"}, []),
        ({"unit_code": "ps02"}, [3]),
        ({"unit_code": "sz01"}, [1, 2, 3, 4]),
        ({"state": 3}, [4]),
        ({"region_code": "431222"}, []),
        ({"region_code": "431221"}, [1, 2, 3, 4]),
        ({"box": Box(Crs.WGS84, 109.9435, 27.4395, 109.9445, 27.4405)}, [1, 3, 4]),
        ({"box": Box(Crs.GCJ02, 109.9480, 27.4360, 109.9490, 27.4370)}, [1, 3, 4]),
    ],
)
async def test_components_are_found_by_what_is_asked(
    ledger: Ledger, wanted: dict[str, Any], numbers: list[int]
) -> None:
    gcj = Converter().convert(Crs.CGCS2000, Crs.GCJ02, 109.944, 27.44)
    await apply_records(
        ledger,
        a_component(1),
        a_component(2, component_id="4312210301000002", class_code="0301", name="公共厕所", x=110.1),
        a_component(3, proprietor_code="ps02", crs=Crs.GCJ02, x=gcj[0], y=gcj[1]),
        a_component(4, state=ComponentState.LOST),
    )
    reader = ComponentReader(ledger, 431200, Converter())
    page = await reader.page(HERE, ComponentQuery(**wanted))
    assert sorted(int(found.component_id[-6:]) for found in page.components) == numbers


async def test_pages_give_every_component_once_in_the_system_that_is_asked(ledger: Ledger) -> None:
    await apply_records(ledger, *(a_component(number) for number in range(1, 26)))
    await apply_records(ledger, a_component(26, crs=Crs.LOCAL, x=500_000.0, y=3_000_000.0))
    reader = ComponentReader(ledger, 431200, Converter())
    found: list[Component] = []
    query, unconverted = ComponentQuery(crs=Crs.BD09, size=10), 0
    while True:
        page = await reader.page(HERE, query)
        found += page.components
        unconverted += page.unconverted_count
        if page.after is None:
            break
        query = msgspec.structs.replace(query, after=page.after)
    assert (len({one.component_id for one in found}), unconverted) == (25, 1)
    assert {one.crs for one in found} == {Crs.BD09}
    assert 0.005 < found[0].x - 109.944 < 0.02


async def test_nobody_sees_a_component_outside_their_rights(ledger: Ledger) -> None:
    await apply_records(ledger, a_component(), a_component(owner_id=OTHER_COUNTY, region_code="431222"))
    reader = ComponentReader(ledger, 431200, Converter())
    page = await reader.page(subtree(431222), ComponentQuery())
    assert [found.owner_id for found in page.components] == [OTHER_COUNTY]
    with pytest.raises(Violated, match="COMPONENT_NOT_FOUND"):
        await reader.find(subtree(431222), COUNTY, a_component().component_id, Crs.NONE)
    found, changes = await reader.find(subtree(431221), COUNTY, a_component().component_id, Crs.WGS84)
    assert (found.crs, [change.revision for change in changes]) == (Crs.WGS84, [1])


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"region_code": "4312"}, "REGION_INVALID"),
        ({"state": 9}, "ARGUMENT_INVALID"),
        ({"box": Box(Crs.NONE, 1, 1, 2, 2)}, "CRS_MISSING"),
        ({"box": Box(Crs.LOCAL, 1, 1, 2, 2)}, "CRS_UNCONVERTIBLE"),
        ({"box": Box(Crs.WGS84, 2, 1, 1, 2)}, "ARGUMENT_INVALID"),
        ({"box": Box(Crs.WGS84, float("nan"), 1, 1, 2)}, "ARGUMENT_INVALID"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(ledger: Ledger, wanted: dict[str, Any], reason: str) -> None:
    with pytest.raises(Violated, match=reason):
        await ComponentReader(ledger, 431200, Converter()).page(HERE, ComponentQuery(**wanted))
