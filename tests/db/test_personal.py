"""Personal data: sealed in the ledger, masked on pages, unmasked by who may, with a reason and a record."""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from auth.person import Person, Role
from auth.personal import Reporter, SealingKeys, new_key
from auth.signing_keys import KeyWrap, WrappingKeyInvalid
from exchange_db import cases, people, reporters
from exchange_db.cases import CaseRow
from exchange_db.keys import case_key
from exchange_db.records import Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.jobs.personal_schedule import personal_jobs
from hub.personal.desk import PersonalDesk
from hub.sections.personal import PersonalPart
from tests.support.applied import a_closed_case, apply_records
from tests.support.builders import COUNTY, a_principal
from tests.support.clock import FakeClock
from tests.support.people import a_person
from tests.support.personal import WRAP, a_personal_desk
from tests.support.rest import enter, rest_edge

LI = Reporter("李雷", "13812345678", "中方县芙蓉路12号")
_PLATFORM = a_principal(COUNTY)


async def _case(ledger: Ledger) -> CaseRow:
    await apply_records(ledger, *a_closed_case("2020-0101"))
    async with ledger.read() as session:
        row = await cases.find(session, 431221, case_key(COUNTY, "2020-0101"), subtree(431200))
    assert row is not None
    return row


async def _entries(ledger: Ledger) -> list[tuple[str, str, str]]:
    async with ledger.read() as session:
        cursor = await session.driver.execute(
            "SELECT action, outcome, content::text FROM audit_entries ORDER BY number"
        )
        return [(row[0], row[1], str(row[2])) for row in await cursor.fetchall()]


async def test_the_ledger_holds_no_letter_of_a_reporter(ledger: Ledger, clock: FakeClock) -> None:
    row, desk = await _case(ledger), a_personal_desk(ledger, clock)
    assert await desk.keep(_PLATFORM, {"2020-0101": LI}) == 1
    async with ledger.read() as session:
        found = await reporters.find(session, row.home_region, row.case_id)
        cursor = await session.driver.execute("SELECT count(*) FROM inbox WHERE payload LIKE '%%13812345678%%'::bytea")
        assert await cursor.fetchone() == (0,)
    assert found is not None
    for text in (LI.name, LI.phone, LI.address):
        assert text.encode() not in found.sealed
    assert await desk.reporter(a_person(), row, is_unmasked=False) == LI.masked()
    assert LI.masked() == Reporter("李*", "138****5678", "中方县芙蓉路***")


async def test_a_seal_opens_for_its_own_case_and_with_its_own_key_only(ledger: Ledger, clock: FakeClock) -> None:
    row, desk = await _case(ledger), a_personal_desk(ledger, clock)
    await desk.keep(_PLATFORM, {"2020-0101": LI})
    async with ledger.read() as session:
        found = await reporters.find(session, row.home_region, row.case_id)
        wrapped = await reporters.keys(session)
    assert found is not None
    keys = SealingKeys(wrapped, WRAP)
    assert keys.open(found.key_number, found.sealed, row.case_id) == LI
    with pytest.raises(ValueError, match="another context"):
        keys.open(found.key_number, found.sealed, case_key(COUNTY, "another"))
    with pytest.raises(ValueError, match="were changed"):
        keys.open(found.key_number, found.sealed[:-1] + b"\0", row.case_id)
    with pytest.raises(ValueError, match="no key"):
        keys.open(7, found.sealed, row.case_id)
    with pytest.raises(WrappingKeyInvalid):
        SealingKeys(wrapped, KeyWrap(b"x" * 32))


async def test_keys_are_exchanged_and_the_old_ones_are_gone(ledger: Ledger, clock: FakeClock) -> None:
    row, desk = await _case(ledger), a_personal_desk(ledger, clock)
    await desk.keep(_PLATFORM, {f"2020-{number}": LI for number in range(450)} | {"2020-0101": LI})
    assert await desk.rotate() == 451
    async with ledger.read() as session:
        assert set(await reporters.keys(session)) == {2}
    assert await desk.reporter(a_person(), row, is_unmasked=True) == LI
    assert await desk.keep(_PLATFORM, {"2020-0101": Reporter("韩梅梅")}) == 1
    assert await desk.reporter(a_person(), row, is_unmasked=True) == Reporter("韩梅梅")
    assert ("personal_key.rotate", "done") in [entry[:2] for entry in await _entries(ledger)]


async def test_reporters_are_forgotten_when_their_time_is_over(ledger: Ledger, clock: FakeClock) -> None:
    row, desk = await _case(ledger), a_personal_desk(ledger, clock)
    await desk.keep(_PLATFORM, {"2020-0101": LI})
    clock.advance(days=179)
    assert await desk.forget() == 0
    (job,) = personal_jobs(desk)
    before = await _entries(ledger)
    assert await job.act() == "0 条 / forgotten"
    assert await _entries(ledger) == before, "looking is no act"
    clock.advance(days=2)
    assert await job.act() == "1 条 / forgotten"
    assert (await _entries(ledger))[-1][:2] == ("personal_data.forget", "done")
    assert await desk.reporter(a_person(), row, is_unmasked=True) is None


@pytest.mark.parametrize(
    ("person", "reason", "refusal"),
    [
        (a_person((Role.OPERATOR, 431200)), "回访报案人核实情况", ""),
        (a_person((Role.OPERATOR, 431221)), "回访报案人核实情况", ""),
        (a_person((Role.OPERATOR, 431200)), "  看看  ", "UNMASK_REASON_MISSING"),
        (a_person((Role.VIEWER, 431200)), "回访报案人核实情况", "RIGHT_MISSING"),
        (a_person((Role.AUDITOR, 431200)), "回访报案人核实情况", "RIGHT_MISSING"),
        (a_person((Role.SECURITY_OFFICER, 431200)), "回访报案人核实情况", "RIGHT_MISSING"),
        (a_person((Role.OPERATOR, 431222)), "回访报案人核实情况", "RIGHT_MISSING"),
        (a_person((Role.OPERATOR, 430000)), "回访报案人核实情况", "RIGHT_MISSING"),
        (a_person((Role.OPERATOR, 0)), "回访报案人核实情况", "RIGHT_MISSING"),
    ],
)
async def test_unmasking_takes_the_right_and_a_reason_and_is_recorded_either_way(
    ledger: Ledger, clock: FakeClock, person: Person, reason: str, refusal: str
) -> None:
    row, desk = await _case(ledger), a_personal_desk(ledger, clock)
    if refusal:
        with pytest.raises(Violated, match=refusal):
            await desk.unmask(person, row, reason)
    else:
        await desk.unmask(person, row, reason)
    async with ledger.read() as session:
        assert await desk.is_unmasked(session, person, row) is not bool(refusal)
    (entry,) = await _entries(ledger)
    assert entry[:2] == ("case.unmask", "refused" if refusal else "done")
    clock.advance(minutes=31)
    async with ledger.read() as session:
        assert not await desk.is_unmasked(session, person, row), "it ends by itself"


async def test_a_rule_may_give_a_province_the_detail(ledger: Ledger, clock: FakeClock) -> None:
    row = await _case(ledger)
    part = PersonalPart(keeps_reporters=True, detail_regions=("430000",))
    desk = a_personal_desk(ledger, clock, part=part)
    await desk.unmask(a_person((Role.OPERATOR, 430000)), row, "督办案件核实")
    for person in (a_person((Role.OPERATOR, 0)), a_person((Role.VIEWER, 430000)), a_person((Role.OPERATOR, 440000))):
        with pytest.raises(Violated, match="RIGHT_MISSING"):
            await desk.unmask(person, row, "督办案件核实")
    with pytest.raises(ValueError, match="six digits"):
        PersonalPart(detail_regions=("43",))


async def test_where_a_second_person_is_wanted_one_alone_is_sent_to_a_proposal(
    ledger: Ledger, clock: FakeClock
) -> None:
    row = await _case(ledger)
    desk = a_personal_desk(ledger, clock, is_approval_required=True)
    person = await _entered(ledger)
    with pytest.raises(Violated, match="UNMASK_NEEDS_APPROVAL"):
        await desk.unmask(person, row, "回访报案人核实情况")
    name, arguments = f"{COUNTY}/2020-0101", {"person": str(person.person_id)}
    (line,) = await desk.dry_run(name, arguments)
    assert f"{name} 431221 → " in line
    steps: list[tuple[int, int]] = []

    async def step(done: int, total: int) -> None:
        steps.append((done, total))

    assert (await desk.run(name, arguments, step)).startswith("2020-06-15")
    assert steps == [(0, 1), (1, 1)]
    async with ledger.read() as session:
        assert await desk.is_unmasked(session, person, row)
    for wrong in ({"person": "x"}, {}, {"person": str(uuid4())}):
        with pytest.raises(Violated, match="ARGUMENT_INVALID"):
            await desk.dry_run(name, wrong)


async def _entered(ledger: Ledger) -> Person:
    person = a_person((Role.OPERATOR, 431200))
    async with ledger.write() as session:
        await session.driver.execute(
            "INSERT INTO people (person_id, issuer_id, subject, name, unit, region, state, first_time, last_time)"
            " VALUES (%s, %s, %s, %s, %s, %s, 'admitted', now(), now())",
            (person.person_id, person.issuer_id, person.subject, person.name, person.unit, person.region),
        )
        assert await people.of_id(session, person.person_id) is not None
    return person


async def test_every_look_is_recorded_before_anything_is_shown(ledger: Ledger, clock: FakeClock) -> None:
    row, desk = await _case(ledger), a_personal_desk(ledger, clock)
    await desk.keep(_PLATFORM, {"2020-0101": LI})
    person = a_person((Role.OPERATOR, 431200))
    assert await desk.reporter(person, row, is_unmasked=True) == LI
    (entry,) = await _entries(ledger)
    assert entry[:2] == ("personal_data.read", "done")
    assert LI.phone not in json.dumps(entry)
    async with ledger.write() as session:
        await session.driver.execute("DROP TABLE audit_entries CASCADE")
    with pytest.raises(Exception, match="audit_entries"):
        await desk.reporter(person, row, is_unmasked=True)


async def test_a_platform_hands_reporters_in_and_is_told_nothing_back(ledger: Ledger, clock: FakeClock) -> None:
    await enter(ledger)
    given = {"reporters": [{"case_no": "2020-0101", "name": "李雷", "phone": "13812345678"}]}
    async with rest_edge(ledger, clock) as caller:
        answer = await caller.ask("POST", "/v1/reporters", given)
        assert (answer.status, answer.value) == (200, {"kept": 1})
        for wrong in ("[]", '[{"name": "李雷"}]', '[{"case_no": "1", "identity": "李雷"}]'):
            refused = await caller.ask("POST", "/v1/reporters", {"reporters": json.loads(wrong)})
            assert (refused.status, refused.reason) == (400, "JSON_INVALID")
            assert "李雷" not in refused.body.decode()
    closed = a_personal_desk(ledger, clock, part=PersonalPart())
    async with rest_edge(ledger, clock, personal=closed) as caller:
        refused = await caller.ask("POST", "/v1/reporters", given)
        assert (refused.status, refused.reason) == (403, "PERSONAL_DATA_REFUSED")
    with pytest.raises(Violated, match="PERSONAL_DATA_REFUSED"):
        await a_personal_desk(ledger, clock).keep(a_principal("431200.hub"), {"1": LI})


def test_a_key_is_wrapped_for_its_own_number() -> None:
    wrapped = new_key(1, WRAP)
    assert SealingKeys({1: wrapped}, WRAP).newest == 1
    with pytest.raises(WrappingKeyInvalid):
        SealingKeys({2: wrapped}, WRAP)
    assert SealingKeys({}, WRAP).newest == 0
    assert UUID(int=1) == a_person().person_id
    assert datetime.now(UTC) > a_person().auth_time
    assert PersonalDesk.__doc__
