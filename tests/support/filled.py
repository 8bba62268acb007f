"""A city's ledger with a year of cases, neighbours in every mood, and something in quarantine; for looking at."""

from exchange_db import links, peers
from exchange_db.peers import Peer
from exchange_db.records import HandlingState
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.jobs.runner import JobRunner
from hub.jobs.schedule import Job, schedule
from hub.settings import Settings
from tests.support.applied import Written, a_closed_case, a_dispatched_case, apply_waiting, take_in
from tests.support.builders import (
    COUNTY,
    DAY,
    OTHER_COUNTY,
    PROVINCE,
    a_case,
    a_handling,
    a_payload,
    a_principal,
    a_report,
    an_action,
    an_assignment,
)
from tests.support.clock import at
from tests.support.neighbours import PAST, enrolled

NEW_YEAR = at("2021-01-01")
SILENT, BLOCKED, EXPIRED = "431223.platform", "431224.hub", "431225.platform"


async def fill(ledger: Ledger, settings: Settings, clock: Clock) -> None:
    """Fills a fresh ledger of ``CITY`` through its log.

    2020 has 78 cases, one more each month, all of the county: of every six the fifth is late and the sixth is open.
    """
    known = await _enrol(ledger)
    county = a_principal(COUNTY)
    for step, sender in enumerate((county, None, county, None)):
        payloads = [
            a_payload(*written) if isinstance(written, tuple) else a_payload(written)
            for case in _year()
            for written in case[step : step + 1]
        ]
        await take_in(ledger, payloads, sender=sender, now=NEW_YEAR)
    told = a_case("2020-0101", actions=tuple(an_action(number) for number in (1, 2, 3)))
    await take_in(ledger, [a_payload(told)], sender=county, now=NEW_YEAR)
    await be_refused(ledger)
    await apply_waiting(ledger, peers=known)
    await _run_jobs(ledger, settings, clock)
    await apply_waiting(ledger, peers=known)


def _year() -> list[list[Written]]:
    cases = []
    for month in range(1, 13):
        for number in range(month):
            case_no, due = f"2020-{month:02d}{number + 1:02d}", at(f"2020-{month:02d}-15T10:00:00+08:00")
            unit_code = f"hw0{1 + number % 3}"
            if number % 6 == 5:
                cases.append(
                    a_dispatched_case(case_no, deadline_time=due, reported_time=due - 4 * DAY, unit_code=unit_code)
                )
                continue
            done = due + 2 * DAY if number % 6 == 4 else due - DAY
            cases.append(
                a_closed_case(
                    case_no,
                    deadline_time=due,
                    reported_time=due - 4 * DAY,
                    close_requested_time=done,
                    unit_code=unit_code,
                )
            )
    return cases


async def _enrol(ledger: Ledger) -> tuple[Peer, ...]:
    known = (
        await enrolled(ledger, PROVINCE, "parent", name="湖南省枢纽", address="10.43.0.1:7443"),
        await enrolled(ledger, COUNTY, name="中方县智慧城管"),
        await enrolled(ledger, OTHER_COUNTY, name="沅陵县平台"),
        await enrolled(ledger, SILENT, name="辰溪县平台"),
        await enrolled(ledger, BLOCKED, name="溆浦县枢纽"),
        await enrolled(ledger, EXPIRED, name="会同县平台", certificate_end_time=PAST),
    )
    async with ledger.write() as session:
        await peers.set_state(session, BLOCKED, "blocked")
        await peers.note_contact(session, known[1].destination_id, clock_skew_ms=-35)
        await peers.note_contact(session, known[2].destination_id)
    async with ledger.watching() as connection:
        trouble = "connection refused 对方拒绝连接：10.43.0.1:7443"
        await links.note_failure(connection.driver, known[0].destination_id, trouble, 30)
    return known


async def be_refused(ledger: Ledger) -> None:
    """Has a county hand in five records that are put aside, each for another reason."""
    other = a_principal(OTHER_COUNTY)
    report = a_report(region_code="431222", standard_ref="")
    wrong = a_case("2020-W1", OTHER_COUNTY, report=a_report(region_code="431222", authority_id="430200.hub"))
    early = a_case("2020-E1", OTHER_COUNTY, handling=a_handling(1, HandlingState.RECEIVED))
    payloads = [
        a_payload(a_case("2020-S1", OTHER_COUNTY, report=report)),
        b"\xff\xfe<case>not a parcel</case>",
        a_payload(wrong),
        a_payload(early),
    ]
    await take_in(ledger, payloads, sender=other, now=NEW_YEAR)
    meddling = a_payload(a_case("2020-0101", assignment=an_assignment(9)), OTHER_COUNTY)
    await take_in(ledger, [meddling], sender=other, now=NEW_YEAR)


async def _run_jobs(ledger: Ledger, settings: Settings, clock: Clock) -> None:
    async def submit(payloads: list[bytes]) -> None:
        await take_in(ledger, payloads, now=clock())

    async def fail() -> str:
        raise ConnectionError("邮件服务器无响应")

    jobs = (*schedule(ledger, settings, clock, submit, submit), Job("send-bulletin", 60, fail))
    runner = JobRunner(ledger, jobs, "filling", clock)
    for job in jobs:
        await runner.run_now(job.name)
