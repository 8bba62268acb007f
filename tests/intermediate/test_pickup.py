"""Rows that a partner writes into our tables enter the log: once, as they stand, and none is lost."""

import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.table_rows import rows_of, section_of
from exchange_db.attachment_records import AttachmentKind, AttachmentRef
from exchange_db.errors import ExchangeDbError
from exchange_db.intermediate import schema
from exchange_db.intermediate.dialect import create_table
from exchange_db.intermediate.partner import Partner, PartnerUnreachable
from exchange_db.intermediate.reading.claimed_log import ClaimedLog
from exchange_db.intermediate.reading.snapshot_log import SnapshotLog
from exchange_db.records import Case, Component, Record
from exchange_db.session import Ledger
from hub.intermediate import loading
from hub.intermediate.intaking import Take
from hub.intermediate.loading import Load
from tests.support.builders import COUNTY, a_case, a_component, a_handling, a_report, an_action
from tests.support.clock import NOON, FakeClock
from tests.support.pickups import Pickup, make_tables, pickup_of, write


@pytest.fixture
async def hub(
    ledger: Ledger, clock: FakeClock, tmp_path: Path, partner_url: str, partner: Partner
) -> AsyncIterator[Pickup]:
    """A hub with one partner that has our tables; the worker does not run yet."""
    clock.advance(days=2)
    await make_tables(partner)
    async with pickup_of(ledger, clock, tmp_path, partner_url) as pickup:
        yield pickup


async def test_each_section_of_a_case_becomes_a_record(hub: Pickup, partner: Partner) -> None:
    case = a_case(report=a_report(), handling=a_handling(), actions=(an_action(action_time=NOON),))
    component = a_component()
    await write(partner, case, component)
    async with hub.running():
        found = await hub.until_count(3)
    # What is refused of a case, say a section nobody asked for, takes no other along.
    report, handling = a_case(report=case.report, actions=case.actions), a_case(handling=case.handling)
    assert [record for record in found if isinstance(record, Case)] == [report, handling]
    assert component in found
    numbered = await hub.rows("SELECT table_name, row_key, revision FROM pickup_rows ORDER BY 1")
    assert numbered == [
        ("x_case", f'["{COUNTY}","2020-0001"]', 1),
        ("x_case_action", f'["{COUNTY}","2020-0001","{an_action().action_id}"]', 0),
        ("x_component", f'["{COUNTY}","4312210102000001"]', 1),
        ("x_handling", f'["{COUNTY}","2020-0001"]', 1),
    ]


async def test_a_row_without_a_revision_gets_the_next_one_whenever_it_changed(hub: Pickup, partner: Partner) -> None:
    async with hub.running():
        await write(partner, a_component(), revision=None)
        await hub.until_count(1)
        await write(partner, a_component(), revision=None)  # says the same as before
        await write(partner, a_component(name="井盖"), revision=None)
        found = await hub.until_count(2)
    assert [(record.revision, record.name) for record in components(found)] == [(1, "污水井盖"), (2, "井盖")]


async def test_a_deleted_row_is_told_and_its_next_life_goes_on(hub: Pickup, partner: Partner) -> None:
    async with hub.running():
        await write(partner, a_component(), revision=None)
        await hub.until_count(1)
        await partner.execute("DELETE FROM x_component")
        ((reason, path, _),) = await hub.until_refused(1)
        assert (reason, path) == ("ROW_DELETED", "x_component")
        await write(partner, a_component(name="井盖"), revision=None)
        found = await hub.until_count(2)
        # Deleted and made again between two looks, with a lower revision of its own: it is read as it stands.
        async with partner.transaction():
            await partner.execute("DELETE FROM x_component")
            await write(partner, a_component(name="新井盖"))
        found = await hub.until_count(3)
    assert [record.revision for record in components(found)] == [1, 2, 1]
    assert len(await hub.refusals()) == 1


async def test_a_row_that_is_deleted_and_comes_back_as_it_was_is_told_again(hub: Pickup, partner: Partner) -> None:
    async with hub.running():
        await write(partner, a_component(), revision=None)
        await hub.until_count(1)
        await partner.execute("DELETE FROM x_component")
        await hub.until_refused(1)
        # Noted once more, as after a crash: that it is gone is known.
        key = [COUNTY, a_component().component_id]
        row_key = key if partner.dialect.name == "postgresql" else json.dumps(key)
        await partner.execute(
            "INSERT INTO x_change_log (table_name, row_key, op) VALUES ('x_component', %s, 'D')", (row_key,)
        )
        await write(partner, a_component(2))
        await hub.until_count(2)
        await write(partner, a_component(), revision=None)
        found = await hub.until_count(3)
    assert [(record.component_id[-1], record.revision) for record in components(found)] == [
        ("1", 1),
        ("2", 1),
        ("1", 2),
    ]
    assert len(await hub.refusals()) == 1


async def test_a_row_that_gets_another_key_is_deleted_under_the_old_one(hub: Pickup, partner: Partner) -> None:
    async with hub.running():
        await write(partner, a_component(1))
        await hub.until_count(1)
        await partner.execute("UPDATE x_component SET component_id = '4312210102000002'")
        found = await hub.until_count(2)
        ((reason, _, image),) = await hub.until_refused(1)
    assert components(found)[1].component_id == "4312210102000002"
    assert (reason, image[0]["key"]) == ("ROW_DELETED", [COUNTY, "4312210102000001"])


async def test_a_bad_row_is_refused_with_its_column_and_holds_nobody(hub: Pickup, partner: Partner) -> None:
    await write(partner, a_component(1))
    await write(partner, a_component(2), class_code=None)
    await write(partner, a_component(3), state="kaputt")
    await write(partner, a_component(4), region_code="430000")
    await write(partner, a_component(5))
    async with hub.running():
        found = await hub.until_count(2)
        refused = await hub.until_refused(3)
        await write(partner, a_component(2))
        await hub.until_count(3)
    assert [record.component_id[-1] for record in components(found)] == ["1", "5"]
    assert [(reason, path) for reason, path, _ in refused] == [
        ("FIELD_MISSING", "x_component.class_code"),
        ("FIELD_INVALID", "x_component.state"),
        ("REGION_FORBIDDEN", "component.region_code"),
    ]
    assert refused[0][2][0]["row"]["component_id"] == "4312210102000002"
    # Each has a number of its own, for its receipt.
    assert await hub.rows("SELECT last_sequence, accepted_count, refused_count FROM streams") == [(6, 3, 3)]


async def test_a_clock_that_jumps_loses_nothing_and_repeats_nothing(
    hub: Pickup, partner: Partner, clock: FakeClock
) -> None:
    async with hub.running():
        for number, hours in enumerate((0, -30, 55, -1), start=1):
            clock.advance(hours=hours)
            await write(partner, a_component(number), revision=None)
            await write(partner, a_component(1, name=f"井盖{number}"), revision=None)
            await hub.until(partial(_has, hub, f"井盖{number}"))
    found = components(await hub.records())
    assert {record.component_id[-1] for record in found} == {"1", "2", "3", "4"}
    names = [record.name for record in found if record.component_id.endswith("1")]
    assert names[-4:] == ["井盖1", "井盖2", "井盖3", "井盖4"]
    assert await hub.refusals() == []


async def _has(hub: Pickup, name: str) -> bool:
    return any(record.name == name for record in components(await hub.records()))


async def test_what_is_rolled_back_was_never_there(hub: Pickup, partner: Partner) -> None:
    async with hub.running():
        with pytest.raises(ZeroDivisionError):
            async with partner.transaction():
                await write(partner, a_component(1))
                raise ZeroDivisionError
        await write(partner, a_component(2))
        found = await hub.until_count(1)
    assert components(found)[0].component_id == "4312210102000002"


async def test_evidence_that_comes_late_brings_its_section_along(hub: Pickup, partner: Partner) -> None:
    ref = AttachmentRef("report", AttachmentKind.BEFORE_NEAR, "ab" * 32, 1000, "image/jpeg", NOON)
    report = a_case(report=a_report())
    with_evidence = msgspec.structs.replace(report, attachments=(ref,))
    async with hub.running():
        await write(partner, report, revision=None)
        await hub.until_count(1)
        (_, evidence) = rows_of(with_evidence, 1)
        await partner.execute(
            partner.dialect.upsert(evidence.table.name, evidence.table.columns, evidence.table.key), evidence.values
        )
        found = await hub.until_count(2)
        # Evidence of a section that is not there says nothing.
        await partner.execute("UPDATE x_attachment_ref SET section = 'verdict'")
        refused = await hub.until_refused(2)
    late = found[1]
    assert isinstance(late, Case)
    assert late.attachments == (ref,)
    assert late.report is not None
    assert late.report.revision == 2
    assert {(reason, path) for reason, path, _ in refused} == {
        ("ROW_DELETED", "x_attachment_ref"),
        ("FIELD_MISSING", "x_attachment_ref.section"),
    }


async def test_a_crash_before_the_partner_is_told_doubles_nothing(
    hub: Pickup, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[object] = []

    def breaking(kind: type[SnapshotLog | ClaimedLog]) -> None:
        settle = kind.settle

        async def breaks_once(reader: SnapshotLog | ClaimedLog) -> None:
            if not broken:
                broken.append(reader)
                raise PartnerUnreachable("cut off")
            await settle(reader)  # type: ignore[arg-type]

        monkeypatch.setattr(kind, "settle", breaks_once)

    breaking(SnapshotLog)
    breaking(ClaimedLog)
    await write(partner, a_component(1), a_case(), revision=None)
    async with hub.running():
        await hub.until_count(2)
        await hub.until(lambda: _true(broken))
        await write(partner, a_component(2))
        found = await hub.until_count(3)
    assert components(found)[-1].component_id == "4312210102000002"
    assert await hub.rows("SELECT accepted_count, refused_count, duplicate_count FROM streams") == [(3, 0, 0)]


async def test_a_crash_before_the_hub_commits_loses_nothing(
    ledger: Ledger, clock: FakeClock, tmp_path: Path, partner_url: str, partner: Partner
) -> None:
    clock.advance(days=2)
    await make_tables(partner)
    failures = [ExchangeDbError("down"), ExchangeDbError("down")]

    def failing(take: Take) -> Take:
        async def taking(*arrival: Any) -> Any:
            if failures:
                raise failures.pop()
            return await take(*arrival)

        return taking

    await write(partner, a_component(1))
    async with pickup_of(ledger, clock, tmp_path, partner_url, change_take=failing) as hub, hub.running():
        await hub.until_count(1)


async def test_the_log_is_empty_when_all_is_read(hub: Pickup, partner: Partner) -> None:
    async def is_empty() -> bool:
        return not await partner.fetch("SELECT 1 FROM x_change_log")

    await write(partner, a_component(1), a_component(2))
    async with hub.running():
        await hub.until_count(2)
        await hub.until(is_empty)


async def test_a_table_that_changed_its_shape_waits_alone(
    hub: Pickup, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.intermediate.pickup._PAUSE_SECONDS", 0.2)
    await partner.execute("ALTER TABLE x_case RENAME COLUMN address TO addr")
    await partner.execute(f"INSERT INTO x_case (issuer_id, case_no, addr) VALUES ('{COUNTY}', '1', 'x')")
    await write(partner, a_component(1))
    async with hub.running():
        await hub.until_count(1)
        ((table, reason, trouble),) = await hub.rows("SELECT table_name, reason, trouble FROM pickup_pauses")
        assert (table, reason) == ("x_case", "unreadable")
        assert "address" in trouble
        assert any("x_case" in told and "address" in told for told in await hub.troubles())
        # Mended: what came meanwhile is read by itself.
        await partner.execute("ALTER TABLE x_case RENAME COLUMN addr TO address")
        await write(partner, a_case("1"))
        await write(partner, a_case("2"))
        found = await hub.until_count(3)
    assert {record.case_no for record in found if isinstance(record, Case)} == {"1", "2"}
    assert await hub.rows("SELECT 1 FROM pickup_pauses") == []


async def test_a_flood_of_refusals_stops_its_table_until_somebody_loads_it(
    ledger: Ledger, clock: FakeClock, tmp_path: Path, partner_url: str, partner: Partner
) -> None:
    clock.advance(days=2)
    await make_tables(partner)
    async with pickup_of(ledger, clock, tmp_path, partner_url, "most_refused_per_hour = 5\n") as hub, hub.running():
        async with partner.transaction():
            for number in range(6):
                await write(partner, a_case(str(number)), region_code=None)
        await hub.until(lambda: hub.rows("SELECT 1 FROM pickup_pauses WHERE reason = 'flood'"))
        await write(partner, a_case("missed"), a_component())
        await hub.until_count(1)  # other tables go on
        async with partner.transaction():
            await partner.execute("DELETE FROM x_case WHERE region_code IS NULL")
        async with ledger.watching() as connection:
            await loading.order(connection.driver, COUNTY, Load("x_case"))
        found = await hub.until_count(2)
    assert any(isinstance(record, Case) and record.case_no == "missed" for record in found)


async def test_rows_from_before_are_loaded_once(
    ledger: Ledger, clock: FakeClock, tmp_path: Path, partner_url: str, partner: Partner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("hub.intermediate.loading._PIECE", 4)
    clock.advance(days=2)
    await partner.run_script([create_table(partner.dialect, table) for table in schema.TABLES.values()])
    await write(partner, *(a_component(number) for number in range(1, 11)))
    await write(partner, a_component(11, region_code="431222"))
    # What the hub wrote is not the partner's to report.
    await write(partner, a_component(13), written_time=1)
    await make_tables(partner)
    async with pickup_of(ledger, clock, tmp_path, partner_url) as hub, hub.running():
        async with ledger.watching() as connection:
            await loading.order(connection.driver, COUNTY, Load("x_component", region="431221"))
            await hub.until_count(10)
            await hub.until(lambda: _is_over(connection.driver))
            await loading.order(connection.driver, COUNTY, Load("x_component", region="431221"))
            await hub.until(lambda: _is_over(connection.driver))
        await write(partner, a_component(12))
        await hub.until_count(11)
    assert await hub.rows("SELECT last_sequence FROM streams") == [(11,)]


async def _is_over(driver: Any) -> bool:
    return not await loading.loads_of(driver, COUNTY)


async def _true(found: Any) -> bool:
    return bool(found)


def components(records: list[Record]) -> list[Component]:
    return [record for record in records if isinstance(record, Component)]


async def test_a_row_that_breaks_the_code_is_put_aside_alone(
    hub: Pickup, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.intermediate import translation

    def breaking(row: Any, revision: int) -> Any:
        if "4312210102000001" in row.values:
            raise ZeroDivisionError
        return section_of(row, revision)

    monkeypatch.setattr(translation, "section_of", breaking)
    await write(partner, a_component(1), a_component(2))
    async with hub.running():
        found = await hub.until_count(1)
        ((reason, _, image),) = await hub.until_refused(1)
    assert components(found)[0].component_id == "4312210102000002"
    assert (reason, image[0]["key"][1]) == ("INTERNAL", "4312210102000001")
