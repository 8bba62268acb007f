"""Changing keys and unmasking a case as proposals: two people, and what is done is what was approved."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from auth.approvals import Operation, Party, State
from auth.batch_keys import Algorithm, SigningKey
from auth.key_cards import write_card
from auth.person import Person, Role
from auth.personal import Reporter
from exchange_db import audit, cases, people, seals
from exchange_db.keys import case_key
from exchange_db.people import LOCAL
from exchange_db.records import Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.approvals.desk import ProposalDesk
from hub.approvals.key_operations import KeyChange
from hub.approvals.operations import Runnable
from hub.approvals.rights import person_party
from hub.sections.audit import ApprovalsPart
from hub.settings import HubPart, Settings, TlsPart
from tests.support.applied import a_closed_case, apply_records
from tests.support.audit_logs import AUTHORITY, CITY, HUBS, MADE, NATION, PROVINCE
from tests.support.builders import COUNTY, a_principal
from tests.support.clock import FakeClock
from tests.support.neighbours import enrolled
from tests.support.people import a_person
from tests.support.personal import a_personal_desk

_NOW = datetime(2020, 6, 15, tzinfo=UTC)


class Hub:
    """A hub's desk of proposals with two people who may take part."""

    def __init__(self, ledger: Ledger, folder: Path, clock: FakeClock) -> None:
        (folder / "authority.pem").write_bytes(AUTHORITY.certificate)
        (folder / "hub.pem").write_bytes(HUBS[CITY].certificate)
        (folder / "hub.key").write_bytes(HUBS[CITY].key)
        tls = TlsPart(authority=folder / "authority.pem", certificate=folder / "hub.pem", key=folder / "hub.key")
        self.ledger = ledger
        self.personal = a_personal_desk(ledger, clock, is_approval_required=True)
        known: dict[Operation, Runnable] = {
            Operation.KEY_CHANGE: KeyChange(ledger, tls.authority.read_bytes, self.personal),
            Operation.UNMASK: self.personal,
        }
        settings = Settings(hub=HubPart(id=CITY, name="怀化市"), tls=tls, approvals=ApprovalsPart())
        self.desk = ProposalDesk(ledger, settings, clock, known)
        self.parties: dict[str, Party] = {}

    async def enter(self, subject: str, role: Role) -> Person:
        """Enters somebody who may take part."""
        async with self.ledger.write() as session:
            row, _ = await people.arrive(session, LOCAL, subject, name=subject, unit="", region=431200, now=_NOW)
            await people.set_state(session, row.person_id, "admitted")
            await people.grant(session, row.person_id, role, 431200, granted_by="host:root", now=_NOW)
        self.parties[subject] = person_party(row, ApprovalsPart())
        return replace(a_person((role, 431200), subject=subject), person_id=row.person_id)

    async def done(self, operation: Operation, name: str, purpose: str = "更换密钥", **arguments: str) -> str:
        """Has one person propose and execute it, another approve; returns the result."""
        li, wang = self.parties["li"], self.parties["wang"]
        shown = await self.desk.propose(li, operation, name, dict(arguments), purpose)
        number = shown.proposal.proposal_id
        await self.desk.decide(wang, number, shown.digest, is_approved=True)
        ended = await self.desk.run(li, number)
        assert ended.state is State.DONE
        return ended.row.result

    async def acts(self, action: str) -> list[tuple[str, str]]:
        """Returns on what an act was done, and by whom."""
        async with self.ledger.read() as session:
            return [
                (line.object, line.actor) for line in await audit.search(session, audit.Search(action=action), limit=9)
            ]


@pytest.fixture
async def hub(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> Hub:
    made = Hub(ledger, tmp_path, clock)
    await enrolled(ledger, PROVINCE, "parent")
    return made


def _card(owner: str) -> tuple[str, str]:
    key = SigningKey.generate(Algorithm.ES256).public
    end = MADE + timedelta(days=900)
    return key.key_id, write_card(owner, key, MADE, end, MADE, HUBS[owner].certificate, HUBS[owner].key).decode()


async def test_two_people_change_what_a_link_believes(hub: Hub, ledger: Ledger) -> None:
    for name in ("li", "wang"):
        await hub.enter(name, Role.SECURITY_OFFICER)
    key_id, card = _card(PROVINCE)
    assert key_id in await hub.done(Operation.KEY_CHANGE, PROVINCE, card=card)
    assert "ES256 + SM2-SM3" in await hub.done(Operation.KEY_CHANGE, PROVINCE, require="SM2-SM3+ES256")
    async with ledger.read() as session:
        policy = await seals.policy_of(session, PROVINCE)
    assert policy.required == ("ES256", "SM2-SM3")
    assert [(key.key_id, key.withdrawn_time) for key in policy.keys] == [(key_id, None)]
    await hub.done(Operation.KEY_CHANGE, PROVINCE, withdraw=key_id)
    await hub.done(Operation.KEY_CHANGE, PROVINCE, require="none")
    async with ledger.read() as session:
        policy = await seals.policy_of(session, PROVINCE)
    assert policy.required == ()
    assert policy.keys[0].withdrawn_time is not None
    for action in ("peer.key.add", "peer.key.withdraw"):
        assert await hub.acts(action) == [(PROVINCE, "person:local/li")]


async def test_what_cannot_be_done_is_refused_when_it_is_proposed(hub: Hub) -> None:
    await hub.enter("li", Role.SECURITY_OFFICER)
    foreign, own = _card(NATION)[1], _card(PROVINCE)[1]
    for name, arguments, reason in (
        (PROVINCE, {"card": foreign}, "PEER_ID_MISMATCH"),
        (PROVINCE, {"card": own.replace(str(MADE.year), str(MADE.year + 1), 1)}, "KEY_CARD_INVALID"),
        (PROVINCE, {"withdraw": "no such key"}, "BATCH_KEY_UNKNOWN"),
        (PROVINCE, {"require": "MD5"}, "ARGUMENT_INVALID"),
        (PROVINCE, {"require": "none", "withdraw": "x"}, "ARGUMENT_INVALID"),
        (PROVINCE, {}, "ARGUMENT_INVALID"),
        (NATION, {"require": "none"}, "ARGUMENT_INVALID"),
        ("personal", {"card": own}, "ARGUMENT_INVALID"),
    ):
        with pytest.raises(Violated, match=reason):
            await hub.desk.propose(hub.parties["li"], Operation.KEY_CHANGE, name, dict(arguments), "")


async def test_two_people_change_the_key_of_personal_data(hub: Hub, ledger: Ledger) -> None:
    for name in ("li", "wang"):
        await hub.enter(name, Role.SECURITY_OFFICER)
    await apply_records(ledger, *a_closed_case("2020-0101"))
    await hub.personal.keep(a_principal(COUNTY), {"2020-0101": Reporter("李雷", "13812345678")})
    assert (await hub.done(Operation.KEY_CHANGE, "personal")).startswith("1 ")
    assert await hub.acts("personal_key.rotate") == [("reporters", "person:local/li")]


async def test_a_case_is_unmasked_for_a_reason_by_two_people_and_recorded(hub: Hub, ledger: Ledger) -> None:
    reader = await hub.enter("li", Role.OPERATOR)
    await hub.enter("wang", Role.OPERATOR)
    await apply_records(ledger, *a_closed_case("2020-0101"))
    known = Reporter("李雷", "13812345678", "中方县芙蓉路12号")
    await hub.personal.keep(a_principal(COUNTY), {"2020-0101": known})
    name, wanted = f"{COUNTY}/2020-0101", str(reader.person_id)
    async with ledger.read() as session:
        row = await cases.find(session, 431221, case_key(COUNTY, "2020-0101"), subtree(431200))
        assert row is not None
        assert not await hub.personal.is_unmasked(session, reader, row)
    assert await hub.personal.reporter(reader, row, is_unmasked=False) == known.masked()
    with pytest.raises(Violated, match="UNMASK_REASON_MISSING"):
        await hub.done(Operation.UNMASK, name, purpose=" 看看 ", person=wanted)
    await hub.done(Operation.UNMASK, name, purpose="回访报案人核实情况", person=wanted)
    async with ledger.read() as session:
        assert await hub.personal.is_unmasked(session, reader, row)
    assert await hub.personal.reporter(reader, row, is_unmasked=True) == known
    assert await hub.acts("case.unmask") == [(name, "person:local/li")]
    assert await hub.acts("personal_data.read") == [(name, "person:local/li")]
