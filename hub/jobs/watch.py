"""What time brings about in cases, told as lines of their story by the hub their authority is linked to.

Deadlines, and steps of them, that come near or have passed, suspensions that end (the case goes on by this) or have
lasted long, and reports that look like duplicates, which a person must confirm. Lines enter the log like every record
and go to all parties. The same event is the same message for ever, so a run that is done twice has no further effect.

Source: 2.3 of the domain notes (积存 after 60 days; 50 m and 24 h seen in one city); N04 for the warning in advance.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from math import asin, cos, hypot, radians, sin, sqrt
from uuid import UUID, uuid5

from connectors.messages import note
from connectors.wire import write_parcel
from exchange_db import timers
from exchange_db.records import CaseLink, Crs
from exchange_db.regions import subtree
from exchange_db.session import Ledger, ReadSession
from exchange_db.timers import Pair, Reach, TimedCase, TimedStep
from hub.apply.lifecycle import RESUME
from hub.clock import Clock
from hub.settings import HubPart, LifePart

#: Kinds of the lines; ``RESUME`` is the one that changes the case.
DEADLINE_NEAR, DEADLINE_PASSED = "deadline_near", "deadline_passed"
MILESTONE_NEAR, MILESTONE_PASSED = "milestone_near", "milestone_passed"
SUSPENDED_LONG, DUPLICATE_FOUND = "suspended_long", "duplicate_found"
JOB = "watch-cases"

_NAMESPACE = UUID("3b0e6f0a-1f6c-5a86-8b52-2f0a9c1d2026")
_MINUTE, _HOUR, _DAY = 60_000_000, 3_600_000_000, 86_400_000_000
#: Runs overlap by this much: a record may take effect a little after its time.
_OVERLAP = 5 * _MINUTE
_EARTH_METRES = 6_371_000.0
_METRES_OF_DEGREE = 111_320.0

#: Takes parcels of this hub into the log.
Submit = Callable[[list[bytes]], Awaitable[None]]


class CaseWatch:
    """Finds what time has brought about since the last good run, and tells it.

    Args:
        ledger: the hub's database.
        hub: who this hub is.
        life: how long before, how far, how near.
        clock: the hub's clock.
        submit: takes parcels of this hub into the log.
    """

    def __init__(self, ledger: Ledger, hub: HubPart, life: LifePart, clock: Clock, submit: Submit) -> None:
        self._ledger = ledger
        self._hub_id = hub.id
        self._reach = Reach(subtree(hub.region), f"{hub.region:06d}.")
        self._life = life
        self._clock = clock
        self._submit = submit

    async def run(self) -> int:
        """Tells what is due; returns how many lines."""
        now = self._clock()
        async with self._ledger.read() as session:
            since = (await timers.last_success(session, JOB) or now - _DAY) - _OVERLAP
            lines = [line async for line in self._found(session, since, now)]
        if lines:
            await self._submit(lines)
        return len(lines)

    async def _found(self, session: ReadSession, since: int, now: int) -> AsyncIterator[bytes]:
        minutes, days = self._life.deadline_lead_minutes, self._life.long_suspension_days
        lead, long, reach = minutes * _MINUTE, days * _DAY, self._reach
        for case in await timers.deadlines(session, reach, max(since + lead, now), now + lead, now):
            opinion = f"距截止时间不足 {minutes} 分钟 / due within {minutes} minutes"
            yield self._line(case, DEADLINE_NEAR, case.moment - lead, opinion)
        for case in await timers.deadlines(session, reach, since, now, now):
            yield self._line(case, DEADLINE_PASSED, case.moment, "已过截止时间 / the deadline has passed")
        for step in await timers.milestones(session, reach, max(since + lead, now), now + lead, now):
            opinion = f"{step.names}：距截止时间不足 {minutes} 分钟 / step due within {minutes} minutes"
            yield self._line(step, MILESTONE_NEAR, step.moment - lead, opinion)
        for step in await timers.milestones(session, reach, since, now, now):
            opinion = f"{step.names}：已过截止时间 / the deadline of the step has passed"
            yield self._line(step, MILESTONE_PASSED, step.moment, opinion)
        for case in await timers.ended_suspensions(session, reach, now):
            yield self._line(case, RESUME, case.moment, "挂账期满，自动恢复 / the suspension has ended")
        for case in await timers.long_suspensions(session, reach, since - long, now - long, now):
            opinion = f"挂账超过 {days} 天，列入积存 / suspended for {days} days"
            yield self._line(case, SUSPENDED_LONG, case.moment + long, opinion)
        degrees = self._life.duplicate_metres / _METRES_OF_DEGREE * 3
        pairs = await timers.likely_duplicates(session, reach, now, self._life.duplicate_hours, degrees)
        for pair in nearest(pairs, self._life.duplicate_metres):
            yield self._duplicate(pair)

    def _line(self, case: TimedCase | TimedStep, kind: str, moment: int, opinion: str) -> bytes:
        return self._parcel(CaseLink(case.issuer_id, case.case_no), kind, moment, opinion)

    def _duplicate(self, pair: Pair) -> bytes:
        minutes = (pair.reported_time - pair.first_time) // _MINUTE
        opinion = (
            f"疑似重复：{pair.first_issuer_id} {pair.first_case_no}，相距 {metres_between(pair):.0f} 米，"
            f"相隔 {minutes} 分钟，请核实后合并 / looks like a duplicate of it; merge if a person confirms"
        )
        link = CaseLink(pair.issuer_id, pair.case_no)
        return self._parcel(link, DUPLICATE_FOUND, pair.reported_time, opinion)

    def _parcel(self, link: CaseLink, kind: str, moment: int, opinion: str) -> bytes:
        """Makes the message of an event: made of nothing but the event, it is the same whenever it is made."""
        name = f"{self._hub_id}\0{link.issuer_id}\0{link.case_no}\0{kind}\0{moment}\0{opinion}"
        case = note(link, self._hub_id, kind, moment, opinion, "枢纽 / hub")
        return write_parcel(uuid5(_NAMESPACE, name), self._hub_id, moment, case)


def nearest(pairs: list[Pair], metres: float) -> Iterator[Pair]:
    """Yields for each later case the nearest earlier one that is near enough."""
    best: dict[tuple[str, str], tuple[float, Pair]] = {}
    for pair in pairs:
        distance = metres_between(pair)
        key = (pair.issuer_id, pair.case_no)
        if distance <= metres and (key not in best or distance < best[key][0]):
            best[key] = (distance, pair)
    for _, pair in best.values():
        yield pair


def metres_between(pair: Pair) -> float:
    """Returns the distance of two cases in metres: on the sphere, or in the plane of a local frame."""
    if pair.crs == Crs.LOCAL:
        return hypot(pair.x - pair.first_x, pair.y - pair.first_y)
    south, north = radians(pair.first_y), radians(pair.y)
    half_y, half_x = (north - south) / 2, radians(pair.x - pair.first_x) / 2
    return 2 * _EARTH_METRES * asin(sqrt(sin(half_y) ** 2 + cos(south) * cos(north) * sin(half_x) ** 2))
