"""Classes at the gate: unknown and wrong-generation codes are held with what was meant, and mapped by one command."""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from exchange_db.embedded import EmbeddedServer
from exchange_db.records import Case, ReportState
from hub.demo.staging import StagedHub
from protos.exchange.v1.receipt_pb2 import BUSINESS_STATE_APPLIED, OUTCOME_DURABLE, OUTCOME_REFUSED
from tests.support.builders import a_report
from tests.support.commands import sanji
from tests.support.parties import Party
from tests.support.stages import quick, rows, staged, target_of, until_value

CITY, PLATFORM = "431200.hub", "431200.platform"
OLD, CURRENT = "CJ/T-214-2007", "GB/T-30428.2-2013"


class Place(NamedTuple):
    """A city that takes codes of 2013 only, and its platform."""

    hub: StagedHub
    platform: Party


@pytest.fixture(scope="module")
def place(server: EmbeddedServer) -> Iterator[Place]:
    """The city's hub at work."""
    with staged(server) as stage:

        async def build() -> Place:
            hub = await stage.add_hub(CITY, "怀化市", quick() + f'\n[standards]\naccepts = ["{CURRENT}"]\n')
            hub.start()
            await hub.wait_until_open()
            return Place(hub, Party(PLATFORM, target_of(await stage.add_platform(hub, PLATFORM))))

        yield asyncio.run(build())


def _case(case_no: str, standard_ref: str, code: str) -> Case:
    report = a_report(
        1, ReportState.FILED, authority_id=PLATFORM, standard_ref=standard_ref, class_code=code, region_code="431221"
    )
    return Case(PLATFORM, case_no, report=report)


async def _number(place: Place, reason: str) -> str:
    found = rows(
        place.hub, "SELECT quarantine_id FROM quarantine WHERE reason = %s ORDER BY quarantine_id DESC LIMIT 1", reason
    )
    return str(found[0][0])


async def test_a_code_of_2007_is_held_with_its_class_of_2013_and_arrives_translated_with_its_original(
    place: Place,
) -> None:
    """Event 05-01 is a hawker in 2007 and a burst main in 2013: taken as it stands it would send the wrong crew."""
    answer = await place.platform.push(_case("OLD-1", OLD, "05-01"))
    assert (answer.verdict.outcome, answer.verdict.reason) == (OUTCOME_REFUSED, "STANDARD_NOT_ACCEPTED")
    assert f"{CURRENT}|E|0401 无照经营游商" in answer.verdict.message_zh
    number = await _number(place, "STANDARD_NOT_ACCEPTED")
    shown = await sanji("quarantine", "translate", number, "--dry-run", "--config", place.hub.settings_file)
    assert (shown.code, f"{OLD}|E|05-01 → {CURRENT}|E|0401" in shown.told) == (0, True), shown
    done = await sanji("quarantine", "translate", number, "--config", place.hub.settings_file)
    assert done.code == 0, done
    await until_value(place.hub, f"{CURRENT}|E|0401", "SELECT class_key FROM cases WHERE case_no = 'OLD-1'")
    held = await place.platform.case(_case("OLD-1", OLD, "05-01"))
    assert held.case.report.class_code.original == f"{OLD}|E|05-01"


async def test_an_unknown_code_is_held_and_one_that_is_known_is_taken(place: Place) -> None:
    unknown = await place.platform.push(_case("NEW-1", CURRENT, "0777"))
    assert (unknown.verdict.outcome, unknown.verdict.reason) == (OUTCOME_REFUSED, "CODE_UNKNOWN")
    taken = await place.platform.push(_case("NEW-2", CURRENT, "04-01"))
    assert (taken.verdict.outcome, taken.receipt.state) == (OUTCOME_DURABLE, BUSINESS_STATE_APPLIED)
    number = await _number(place, "CODE_UNKNOWN")
    unsure = await sanji("quarantine", "translate", number, "--config", place.hub.settings_file)
    assert (unsure.code, "--code" in unsure.told) == (1, True), unsure
    chosen = await sanji("quarantine", "translate", number, "--code", "0401", "--config", place.hub.settings_file)
    assert chosen.code == 0, chosen
    await until_value(place.hub, f"{CURRENT}|E|0401", "SELECT class_key FROM cases WHERE case_no = 'NEW-1'")


async def test_a_class_that_splits_is_not_chosen_by_the_hub(place: Place) -> None:
    """立杆 of 2007 became five kinds of poles: the one command refuses and names them."""
    report = a_report(1, ReportState.FILED, authority_id=PLATFORM, standard_ref=OLD, class_kind=1, class_code="0117")
    answer = await place.platform.push(Case(PLATFORM, "POLE-1", report=report))
    assert answer.verdict.reason == "STANDARD_NOT_ACCEPTED"
    number = await _number(place, "STANDARD_NOT_ACCEPTED")
    refused = await sanji("quarantine", "translate", number, "--config", place.hub.settings_file)
    assert refused.code == 1
    assert all(code in refused.told for code in ("0130", "0131", "0132", "0133", "0134")), refused
