"""Takes records in and applies them the way a hub does, without its processes; for tests about what comes after."""

from typing import Any

from auth.principal import Principal
from exchange_db import cases, inbox, months
from exchange_db.counting import CountingRules
from exchange_db.inbox import Answer, Arrival
from exchange_db.keys import PARTITION_COUNT
from exchange_db.peers import Peer
from exchange_db.records import Record, ReportState
from exchange_db.session import Ledger
from hub.apply.guards import LifeRules
from hub.apply.routing import Router
from hub.apply.run import ApplyRules, Neighbourhood, apply_run, decode
from hub.intake.validation import Gate
from tests.support.builders import (
    CITY,
    COUNTY,
    DAY,
    HOUR,
    a_case,
    a_handling,
    a_payload,
    a_report,
    a_verdict,
    an_assignment,
)
from tests.support.clock import NOON

_YEAR = 366 * 86_400_000_000


async def take_in(
    ledger: Ledger,
    payloads: list[bytes],
    *,
    hub_id: str = CITY,
    sender: Principal | None = None,
    now: int = NOON,
    first_sequence: int = 0,
) -> Answer:
    """Appends payloads to the log as the desk does, from the hub itself unless a sender is named.

    ``first_sequence`` is their first number in the stream; 0 stands for whatever is next.
    """
    sender = sender or Principal(hub_id, int(hub_id[:6]), "hub", "child", 0, "")
    gate = Gate(sender, int(hub_id[:6]))
    items = [gate.check(payload, now) for payload in payloads]
    async with ledger.write() as session:
        await months.ensure(session, now)
    async with ledger.dedicated() as connection, connection.transaction() as session:
        stream = await inbox.open_stream(session, sender.peer_id, "test")
        arrival = Arrival(stream.stream_id, sender.peer_id, sender.thumbprint, first_sequence, items)
        (answer,) = await inbox.append(session, [arrival], now, is_careful=True)
    return answer


async def apply_waiting(
    ledger: Ledger, rules: CountingRules | None = None, peers: tuple[Peer, ...] = (), hub_id: str = CITY
) -> None:
    """Applies everything that waits."""
    async with ledger.dedicated() as connection:
        await cases.prepare(connection.driver)
        found = await connection.driver.execute("SELECT partition, cursor_id FROM partitions")
        cursors = dict(await found.fetchall())
        assert len(cursors) == PARTITION_COUNT
        found = await connection.driver.execute("SELECT stream_id, sender_id FROM streams")
        neighbourhood = Neighbourhood(Router(peers, hub_id), dict(await found.fetchall()))
        judged_by = ApplyRules(rules or CountingRules(), LifeRules())
        while rows := await inbox.fetch_runs(connection, cursors, 500):
            async with connection.transaction() as session:
                decoded = await decode(session, rows)
                moved = await apply_run(session, decoded, cursors, neighbourhood, judged_by)
            cursors |= moved


#: A record, or a record and the platform that wrote it when that is not its own.
Written = Record | tuple[Record, str]


async def apply_records(
    ledger: Ledger,
    *records: Written,
    hub_id: str = CITY,
    rules: CountingRules | None = None,
    now: int = NOON + _YEAR,
    peers: tuple[Peer, ...] = (),
) -> None:
    """Takes records in, each from its own origin, and applies them; every one must be taken."""
    payloads = [a_payload(*record) if isinstance(record, tuple) else a_payload(record) for record in records]
    answer = await take_in(ledger, payloads, hub_id=hub_id, now=now)
    assert set(answer.outcomes) <= {"D"}, answer.violations
    await apply_waiting(ledger, rules, peers, hub_id)


def a_filed_case(case_no: str, **changes: Any) -> list[Written]:
    """A case that was reported and filed in 中方县."""
    return [a_case(case_no, report=a_report(state=ReportState.FILED, **changes))]


def a_dispatched_case(
    case_no: str, *, deadline_time: int = NOON + DAY, reported_time: int = NOON, **changes: Any
) -> list[Written]:
    """The same, dispatched by the city to the county an hour later."""
    values: dict[str, Any] = {
        "original_deadline_time": deadline_time,
        "deadline_time": deadline_time,
        "dispatched_time": reported_time + HOUR,
    }
    assignment = an_assignment(**values | changes)
    return [*a_filed_case(case_no, reported_time=reported_time), (a_case(case_no, assignment=assignment), CITY)]


def a_closed_case(
    case_no: str,
    *,
    deadline_time: int = NOON + DAY,
    reported_time: int = NOON,
    close_requested_time: int = NOON + 5 * HOUR,
    **changes: Any,
) -> list[Written]:
    """The same, done and closed; in time unless a later close request is given."""
    handling = a_handling(
        received_time=reported_time + 2 * HOUR,
        dispatched_on_time=reported_time + 3 * HOUR,
        disposed_time=close_requested_time,
        close_requested_time=close_requested_time,
    )
    verdict = a_verdict(
        check_sent_time=close_requested_time + HOUR,
        check_answered_time=close_requested_time + 2 * HOUR,
        closed_time=close_requested_time + 2 * HOUR,
    )
    return [
        *a_dispatched_case(case_no, deadline_time=deadline_time, reported_time=reported_time, **changes),
        (a_case(case_no, handling=handling), COUNTY),
        (a_case(case_no, verdict=verdict), CITY),
    ]
