"""Sheets through three hubs: a cell that falls to nothing arrives as zero at each, and what was said before is kept."""

from exchange_db.records import Case, ReportState
from protos.exchange.v1.receipt_pb2 import BUSINESS_STATE_APPLIED
from tests.support.builders import a_report, an_assignment
from tests.support.parties import CITY_PLATFORM, COUNTY, OTHER_COUNTY, Town
from tests.support.stages import rows, until_value

_TOTAL = "SELECT total FROM sheet_cells WHERE region = 431222 AND month = 202006 AND unit_code = %s"


async def test_a_retraction_arrives_as_zero_at_every_tier(town: Town) -> None:
    report = a_report(state=ReportState.FILED, region_code="431222", authority_id=CITY_PLATFORM)
    first, second = (an_assignment(revision, handler_id=COUNTY, unit_code=f"zero{revision}") for revision in (1, 2))
    await town.other_county.push(Case(OTHER_COUNTY, "2020-RETRACTED", report=report))
    await town.city_platform.push(Case(OTHER_COUNTY, "2020-RETRACTED", assignment=first))
    for hub in (town.city, town.province, town.nation):
        await until_value(hub, 1, _TOTAL, "zero1")
    answer = await town.city_platform.push(Case(OTHER_COUNTY, "2020-RETRACTED", assignment=second))
    assert answer.receipt.state == BUSINESS_STATE_APPLIED, answer
    for hub in (town.city, town.province, town.nation):
        await until_value(hub, 0, _TOTAL, "zero1")
        await until_value(hub, 1, _TOTAL, "zero2")
        kept = rows(
            hub, "SELECT convert_from(cells, 'UTF8') FROM sheet_revisions WHERE region = 431222 ORDER BY revision"
        )
        assert any('["zero1",' in cells and '["zero2",' not in cells for (cells,) in kept)
        assert '["zero2",' in kept[-1][0]
