"""A partner changes its tables: what matters pauses that table alone and is named, what does not is told once."""

from pathlib import Path

import pytest

from exchange_db import pickups
from exchange_db.intermediate.partner import Partner, open_partner
from exchange_db.pickups import PauseReason
from exchange_db.session import Ledger
from hub.intermediate.drifting import DriftWatch
from hub.intermediate.link_files import find_link
from hub.intermediate.table_states import states_of
from tests.support.builders import COUNTY, DAY, a_case
from tests.support.clock import NOON, FakeClock
from tests.support.pickups import make_tables, pickup_of, write

_THEIRS = """
manner = "theirs"
[[source]]
name = "gd_case"
key = ["id"]
mapping = "gd_case.toml"
capture = "status"
column = "bz"
[[target]]
name = "gd_reply"
key = ["id"]
section = "assignment"
columns = { id = "case_no", unit = "unit_code" }
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


@pytest.fixture
async def watched(ledger: Ledger, partner: Partner, partner_url: str, tmp_path: Path) -> str:
    """A partner with tables of its own, on each engine in turn; returns its link file's folder."""
    columns = "sj varchar(30), nr varchar(200), bz varchar(2), lb varchar(9), xg int"
    await partner.execute(f"CREATE TABLE gd_case (id varchar(40) PRIMARY KEY, {columns})")
    await partner.execute("CREATE TABLE gd_reply (id varchar(40) PRIMARY KEY, unit varchar(40))")
    (tmp_path / "county.toml").write_text(f'peer = "{COUNTY}"\nname = "中方县"\nurl = "{partner_url}"\n{_THEIRS}')
    (tmp_path / "gd_case.toml").write_text(_MAPPING)
    return str(tmp_path)


async def test_a_dropped_column_pauses_its_table_and_names_the_field(
    ledger: Ledger, partner: Partner, watched: str
) -> None:
    link = find_link(Path(watched), COUNTY)
    async with ledger.dedicated() as connection:
        watch = DriftWatch(connection.driver, COUNTY, link)
        assert not await watch.look(partner)
        await partner.execute("ALTER TABLE gd_case ADD COLUMN bz2 varchar(20)")
        assert not await watch.look(partner)
        assert await pickups.pauses_of(connection.driver, COUNTY) == {}
        (noted,) = await states_of(connection.driver, COUNTY)
        assert (noted.table, "bz2" in noted.told) == ("gd_case", True)

        await partner.execute("ALTER TABLE gd_case DROP COLUMN nr")
        assert await watch.look(partner)
        (pause,) = (await pickups.pauses_of(connection.driver, COUNTY)).values()
        assert (pause.table_name, pause.reason) == ("gd_case", PauseReason.DRIFTED)
        assert "gd_case.nr（用于 gd_case.toml report.description）：已删除" in pause.trouble
        assert not await watch.look(partner)

        await partner.execute("ALTER TABLE gd_case ADD COLUMN nr varchar(200)")
        assert await watch.look(partner)
        assert await pickups.pauses_of(connection.driver, COUNTY) == {}
        await watch.accept(partner)
        assert await states_of(connection.driver, COUNTY) == []


async def test_a_change_that_is_meant_is_accepted(ledger: Ledger, partner: Partner, watched: str) -> None:
    link = find_link(Path(watched), COUNTY)
    async with ledger.dedicated() as connection:
        watch = DriftWatch(connection.driver, COUNTY, link)
        await watch.look(partner)
        await partner.run_script(
            ["DROP TABLE gd_reply", "CREATE TABLE gd_reply (id varchar(40) PRIMARY KEY, unit varchar(10))"]
        )
        assert await watch.look(partner)
        assert set(await pickups.pauses_of(connection.driver, COUNTY)) == {"gd_reply"}
        (change,) = await watch.accept(partner)
        assert "target.columns unit_code" in change.told
        assert "40" in change.told
        assert await pickups.pauses_of(connection.driver, COUNTY) == {}
        assert not await watch.look(partner)


async def test_a_refused_statement_has_the_columns_looked_at(
    ledger: Ledger, postgresql_url: str, tmp_path: Path
) -> None:
    async with open_partner(postgresql_url) as partner:
        await make_tables(partner)
        async with pickup_of(ledger, FakeClock(NOON + DAY), tmp_path, postgresql_url) as pickup, pickup.running():
            await write(partner, a_case("c1"), written_time=None)
            await pickup.until_count(1)
            await partner.execute("ALTER TABLE x_case DROP COLUMN address")
            await partner.execute("UPDATE x_case SET description = 'x'")

            async def is_told() -> bool:
                return any("x_case.address" in told for told in await pickup.troubles())

            await pickup.until(is_told)
            assert await pickup.rows("SELECT table_name, reason FROM pickup_pauses") == [("x_case", "drifted")]
