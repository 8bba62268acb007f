"""A county whose database is the link: it reports by SQL, the city dispatches into it, receipts tell what came."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from exchange_db import months, peers
from exchange_db.cases import CaseState
from exchange_db.intermediate.partner import Partner, Row
from exchange_db.peers import Peer
from exchange_db.pickup_receipts import forget_told
from exchange_db.records import ReportState
from exchange_db.session import Ledger
from hub.intermediate.link_files import find_link
from tests.support.applied import apply_waiting, take_in
from tests.support.builders import CITY, COUNTY, DAY, a_case, a_handling, a_payload, a_report, an_assignment
from tests.support.clock import NOON, FakeClock
from tests.support.partners import writing
from tests.support.pickups import Pickup, make_tables, pickup_of, write
from tests.support.stages import until


class County:
    """The city's hub and the county's database."""

    def __init__(self, ledger: Ledger, partner: Partner, peer: Peer, pickup: Pickup) -> None:
        self.ledger = ledger
        self.partner = partner
        self.pickup = pickup
        self._peer = peer

    async def apply(self) -> None:
        """Applies what waits and lays down what goes out."""
        await apply_waiting(self.ledger, peers=(self._peer,))

    async def until_rows(self, wanted: list[Row], query: str) -> None:
        """Returns when a question to the county's database has this answer."""
        found: Any = None

        async def is_so() -> bool:
            nonlocal found
            found = await self.partner.fetch(query)
            return bool(found == wanted)

        try:
            await until(is_so, query, step_seconds=0.02)
        except AssertionError:
            assert found == wanted, await self.pickup.troubles()


async def _open(stack: AsyncExitStack, ledger: Ledger, partner: Partner, url: str, folder: Path, link: str) -> County:
    clock = FakeClock(NOON + DAY)
    async with ledger.write() as session:
        await months.ensure(session, clock())
    pickup = await stack.enter_async_context(pickup_of(ledger, clock, folder, url, link))
    async with ledger.read() as session:
        peer = await peers.by_id(session, COUNTY)
    assert peer is not None
    await stack.enter_async_context(pickup.running())
    await stack.enter_async_context(writing(ledger, peer, find_link(folder, COUNTY), clock))
    return County(ledger, partner, peer, pickup)


@pytest.fixture
async def county(ledger: Ledger, partner: Partner, partner_url: str, tmp_path: Path) -> AsyncIterator[County]:
    """A county with our tables, on each engine in turn."""
    await make_tables(partner)
    async with AsyncExitStack() as stack:
        yield await _open(stack, ledger, partner, partner_url, tmp_path, "")


async def test_a_case_goes_up_by_sql_and_comes_back_as_rows_with_receipts(county: County) -> None:
    partner = county.partner
    await write(partner, a_case("c1", report=a_report(state=ReportState.FILED)), written_time=None)
    await write(partner, a_case("c2"), region_code=None, written_time=None)
    await county.pickup.until_count(1)
    await county.until_rows([("taken", 1)], "SELECT state, revision FROM x_receipt WHERE row_key LIKE '%%c1%%'")
    await county.apply()
    await county.until_rows(
        [("applied", None), ("refused", "x_case.region_code")],
        "SELECT state, field_path FROM x_receipt ORDER BY row_key",
    )

    dispatched = a_case("c1", assignment=an_assignment())
    assert (await take_in(county.ledger, [a_payload(dispatched, CITY)], now=NOON + DAY)).outcomes == "D"
    await county.apply()
    await county.until_rows([("c1", "dispatched", COUNTY)], "SELECT case_no, state, handler_id FROM x_assignment")

    # What the city wrote is not picked up again, what the county answers is.
    await write(partner, a_case("c1", handling=a_handling()), written_time=None)
    await county.pickup.until_count(3)
    await county.apply()
    await county.until_rows(
        [("x_handling", "applied")], "SELECT table_name, state FROM x_receipt WHERE table_name = 'x_handling'"
    )
    assert await county.pickup.rows("SELECT state FROM cases") == [(CaseState.DISPOSED,)]
    messages = await partner.fetch("SELECT message FROM x_receipt WHERE state = 'refused'")
    assert messages == [("必填字段为空，请补填。",)]

    # What was told long ago is forgotten, but for what lies in quarantine.
    later = NOON + 40_000 * DAY
    async with county.ledger.dedicated() as connection:
        assert await forget_told(connection.driver, COUNTY, 99, NOON - 40_000 * DAY) == 0
        assert await forget_told(connection.driver, COUNTY, 0, later) == 0
        assert await forget_told(connection.driver, COUNTY, 99, later) == 2
    left = await county.pickup.rows("SELECT table_name, row_key LIKE '%%c2%%' FROM pickup_rows")
    assert left == [("x_case", True)]


async def test_the_same_row_again_and_one_against_the_rules_are_told_apart(county: County) -> None:
    partner = county.partner
    await write(partner, a_case("c1"), written_time=None)
    await county.pickup.until_count(1)
    await county.apply()
    await county.until_rows([("applied",)], "SELECT state FROM x_receipt")
    # Nobody has given it this case to handle.
    await write(partner, a_case("c1", handling=a_handling()), written_time=None)
    await county.pickup.until_count(2)
    await county.apply()
    await county.until_rows(
        [("refused", "SECTION_FORBIDDEN")],
        "SELECT state, reason FROM x_receipt WHERE table_name = 'x_handling'",
    )


_STATUS = """
manner = "theirs"
[[source]]
name = "gd_case"
key = ["id"]
mapping = "gd_case.toml"
capture = "status"
column = "bz"
"""

_MAPPING = """
version = 1
issuer_id = "431221.platform"
case_no = { column = "id" }
[times]
zone = "Asia/Shanghai"
formats = ["%Y-%m-%d %H:%M:%S"]
[report]
revision = { column = "xg" }
state = "reported"
region_code = "431221"
authority_id = "431200.hub"
class = { column = "lb", standard_ref = "GB/T-30428.2-2013", kind = "event" }
source_code = "01"
reported_time = { column = "sj" }
description = { column = "nr" }
address = "中方县芙蓉路12号"
"""
_TABLE = (
    "CREATE TABLE gd_case (id varchar(30) PRIMARY KEY, sj varchar(30), nr varchar(200), bz varchar(2),"
    " lb varchar(9), xg int)"
)


async def test_a_status_column_is_moved_on_by_the_receipt(
    ledger: Ledger, partner: Partner, partner_url: str, tmp_path: Path
) -> None:
    await partner.execute(_TABLE)
    for number, when in (("1", "2020-06-15 09:00:00"), ("2", "gestern"), ("3", "2020-06-15 09:00:00")):
        await partner.execute("INSERT INTO gd_case VALUES (%s, %s, '暴露垃圾', '0', '0203', 1)", (number, when))
    (tmp_path / "gd_case.toml").write_text(_MAPPING, encoding="utf-8")
    async with AsyncExitStack() as stack:
        county = await _open(stack, ledger, partner, partner_url, tmp_path, _STATUS)
        query = "SELECT id, bz FROM gd_case ORDER BY id"
        await county.until_rows([("1", "1"), ("2", "1"), ("3", "1")], query)
        await county.pickup.until_count(2)
        # A status that the partner has set itself meanwhile is not touched.
        await partner.execute("UPDATE gd_case SET bz = '5' WHERE id = '1'")
        await county.apply()
        await county.until_rows([("1", "5"), ("2", "9"), ("3", "2")], query)
        await partner.execute("UPDATE gd_case SET bz = '0', nr = '又有垃圾', xg = 2 WHERE id = '3'")
        await county.pickup.until_count(3)
        await county.apply()
        await county.until_rows([("1", "5"), ("2", "9"), ("3", "2")], query)
