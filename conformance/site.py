"""What the checks of a platform work with: the hub that is stood in for, and somebody who has the platform report."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from conformance.checks import Trial
from conformance.doorway import Doorway
from conformance.scene import Scene
from conformance.stand_in import Arrival, Plan, StandIn
from connectors.wire import read_parcel
from exchange_db.records import Parcel, Violated

_LOOK_SECONDS = 0.05

#: Has the platform report so many test records; returns when that was asked for, not when they came.
Asking = Callable[[int], Awaitable[None]]


class Site(NamedTuple):
    """What the checks of a platform work with.

    ``scene`` makes records in the name of the dispatching authority; ``handles`` says whether the platform answers
    what is dispatched to it without a person.
    """

    hub: StandIn
    doorway: Doorway
    scene: Scene
    ask: Asking
    patience_seconds: float
    handles: bool

    async def until(self, is_so: Callable[[], bool], seconds: float = 0.0) -> bool:
        """Waits for something to become true, as long as patience lasts or so many seconds; tells whether it did."""
        try:
            async with asyncio.timeout(seconds or self.patience_seconds):
                while not is_so():  # noqa: ASYNC110 — many things are looked at, few are told
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            return False
        return True

    async def arrived(self, trial: Trial, count: int, plan: Plan = Plan.ANSWER) -> list[Arrival]:
        """Asks for records and returns what came.

        Raises:
            Broken: fewer came in time.
        """
        before, self.hub.plan = len(self.hub.arrivals), plan
        trial.do(f"请平台上报 {count} 条 / asks for {count} records")
        await self.ask(count)
        await self.until(lambda: len(self.hub.arrivals) >= before + count)
        came = self.hub.arrivals[before:]
        trial.expect(len(came) >= count, f"≥ {count} 条 / records", f"{len(came)} 条 / records")
        return came

    def expect_no(self, trial: Trial, *subjects: str) -> None:
        """Looks at what may never happen.

        Raises:
            Broken: it did.
        """
        found = [text for subject in subjects for text in self.hub.faults[subject]]
        trial.expect(not found, "无违反 / nothing of the kind", "；".join(found[:3]) or "无 / none")


def read(payload: bytes) -> Parcel | str:
    """Returns a parcel, or in words why it is none."""
    try:
        return read_parcel(payload)
    except Violated as violated:
        return f"{violated.violation.reason} {violated.violation.field_path}"
