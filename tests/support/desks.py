"""One of everything an administrator has a page about: people, proposals, platforms on their way in, standards."""

from datetime import UTC, datetime
from pathlib import Path

from auth.approvals import Operation, Party
from auth.certificates import issue, make_authority, write
from auth.person import Role
from conformance.checks import Face, Trial, Verdict, checks_of
from conformance.platform_running import MODULES
from conformance.report import Run, report_of, write_report
from conformance.running import Cleared
from exchange_db import joinings, people
from exchange_db.people import LOCAL
from exchange_db.session import Ledger
from hub.cli.proposing import make_proposals
from hub.clock import system_clock
from hub.components.rounds import RoundDesk
from hub.joining import samples
from hub.joining.desk import JoiningDesk, Wanted
from hub.recording import acting_as
from hub.settings import Settings, TlsPart
from tests.support.applied import apply_records
from tests.support.builders import CITY, OTHER_COUNTY, a_component
from tests.support.clock import NOON, FakeClock
from tests.support.neighbours import enrolled
from tests.support.signed_releases import CODES, STANDARD, a_plan, a_publisher
from tests.support.sources import ROOT

_SHEET = (ROOT / "docs" / "examples" / "generic.csv").read_bytes()
_JOINING = "431227.platform"
#: Importing them enters the checks of a platform.
_ENTERED = MODULES
_SECOND = (CODES.decode().replace("广告语言文字不规范", "广告文字不规范") + f"event,06,其他事件,{STANDARD}\n").encode()


def written_keys(folder: Path) -> TlsPart:
    """Writes keys of ``CITY`` into a folder and returns where they are."""
    now = datetime.now(UTC)
    authority = make_authority("演示机构", now)
    tls = TlsPart(authority=folder / "authority.pem", certificate=folder / "hub.pem", key=folder / "hub.key")
    write(issue(authority, CITY, now), tls.certificate, tls.key)
    tls.authority.write_bytes(authority.certificate)
    return tls


async def fill_desks(ledger: Ledger, settings: Settings, folder: Path) -> dict[str, str]:
    """Fills a ledger of ``CITY``.

    Args:
        ledger: the ledger.
        settings: settings of the hub, with keys that are there.
        folder: where the publisher of standards keeps keys of its own.

    Returns:
        What addresses of pages need: ``person``, ``proposal``, ``entry`` (a number of the log), ``component`` and
        ``standard``.
    """
    await apply_records(ledger, *(a_component(number, proprietor_code="qs01") for number in range(1, 4)))
    rounds = RoundDesk(ledger, settings.hub.region, system_clock)
    with acting_as("host:test"):
        await rounds.open("R1", "井盖确权", 431221, "proprietor", "host:test")
        await _publish(ledger, folder)
        await _let_in(ledger, settings)
    person, proposal = await _propose(ledger, settings)
    about = {"component": a_component().component_id, "standard": STANDARD}
    return {"person": person, "proposal": proposal, "entry": "2"} | about


async def _publish(ledger: Ledger, folder: Path) -> None:
    publisher = a_publisher(ledger, CITY, folder, FakeClock(NOON))
    await publisher.publish(a_plan("2026.1"))
    await publisher.publish(a_plan("2026.2", _SECOND))
    await publisher.save_draft(a_plan("2026.3"), "li")


async def _let_in(ledger: Ledger, settings: Settings) -> None:
    desk = JoiningDesk(ledger, settings, system_clock)
    await desk.invite(Wanted(_JOINING, "新晃县平台", "platform", "child", "rest"))
    mapping = samples.template("generic", _JOINING).replace('"市容环境/暴露垃圾" = "0110"\n', "")
    await desk.keep_mapping(_JOINING, mapping, ("案件.csv", _SHEET))
    now, trial, checks = datetime.now(UTC), Trial(), checks_of(Face.PLATFORM)
    run = Run(Face.PLATFORM, _JOINING, "127.0.0.1:7444", CITY, "1a2b", "SANJI-TEST", "431227", now, now)
    found = [checks[0].found(Verdict.PASSED, trial), checks[1].found(Verdict.FAILED, trial)]
    tls = settings.tls
    signed = write_report(report_of(run, found, Cleared(2, 0, ())), tls.certificate.read_bytes(), tls.key.read_bytes())
    async with ledger.write() as session:
        await joinings.change(session, _JOINING, kit_state="failed", kit_time=now, kit_report=signed)


async def _propose(ledger: Ledger, settings: Settings) -> tuple[str, str]:
    now = datetime.now(UTC)
    await enrolled(ledger, OTHER_COUNTY, name="沅陵县平台")
    async with ledger.write() as session:
        row, _ = await people.arrive(session, LOCAL, "jia", name="甲", unit="指挥中心", region=431200, now=now)
        await people.set_state(session, row.person_id, "admitted")
        await people.grant(session, row.person_id, Role.SECURITY_OFFICER, 431200, granted_by="host:test", now=now)
    proposer = Party(f"person:{LOCAL}/jia", str(row.person_id))
    desk = make_proposals(ledger, settings)
    made = await desk.propose(proposer, Operation.PEER_BLOCK, OTHER_COUNTY, {}, "证书外泄演练")
    return str(row.person_id), str(made.proposal.proposal_id)
