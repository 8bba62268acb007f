"""Putting a platform to the test before it is let loose: the kit stands in for this hub, in a process of this hub.

The run is a job: it is ordered in the ledger, listens at ``joining.kit_listen`` with the hub's own certificate while it
lasts, tells there how many test records it waits for, and leaves a signed report. It ends early when somebody says so.
Records go to the stand-in and never into the log.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from auth.certificates import id_of
from conformance.checks import GROUP_TITLES, Check, Face, Texts, Verdict, checks_of
from conformance.doorway import Doorway, Keys, PortTaken
from conformance.page import page_of
from conformance.platform_running import MODULES, Role, check_platform
from conformance.report import Report, Run, report_of, verify_report, write_report
from conformance.scene import Terms, new_run
from conformance.site import Asking
from exchange_db import joinings
from exchange_db.joinings import Joining
from exchange_db.regions import format_region, region_of
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.recording import acting_as, told
from hub.settings import Settings

#: Name of the job that makes runs.
JOB = "run-conformance"
#: Importing them enters the checks of a platform.
_ENTERED = MODULES
_LOOK_SECONDS = 0.5


class KitFailed(Exception):
    """A run could not be made; says why, in both languages."""


def groups() -> dict[str, Texts]:
    """Returns the groups of checks of a platform with their titles, in their order."""
    return {str(check.group): GROUP_TITLES[check.group] for check in checks_of(Face.PLATFORM)}


def read_report(content: bytes) -> Report:
    """Returns a report that was kept here."""
    return verify_report(content).report


def report_page(content: bytes) -> str:
    """Returns a report as a page."""
    return page_of(read_report(content))


class KitRunner:
    """Makes the runs that are wanted.

    Args:
        ledger: the hub's database.
        settings: all settings.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._settings = settings
        self._clock = clock

    async def run(self) -> str:
        """Makes one run if one is wanted; returns what came of it, for the log of jobs.

        Raises:
            KitFailed: the address cannot be listened on.
        """
        async with self._ledger.read() as session:
            wanted = await joinings.wanted_kit(session)
        if wanted is None:
            return ""
        if wanted.kit_state == "stopping":
            # The process that ran it is gone; what was asked for is what happened.
            await self._settle(wanted.peer_id, kit_state="stopped", kit_asked=0)
            return f"{wanted.peer_id} 已停止 / stopped"
        with acting_as(f"hub:{self._settings.hub.id}"):
            return await self._run(wanted)

    async def _run(self, joining: Joining) -> str:
        peer_id = joining.peer_id
        await self._settle(peer_id, kit_state="running", kit_asked=0, kit_trouble="")
        checks = checks_of(Face.PLATFORM, tuple(joining.kit_groups))
        testing = asyncio.create_task(self._test(joining, checks), name=f"conformance {peer_id}")
        watching = asyncio.create_task(self._until_stopped(peer_id))
        try:
            await asyncio.wait([testing, watching], return_when=asyncio.FIRST_COMPLETED)
            if not testing.done():
                await self._settle(peer_id, kit_state="stopped", kit_asked=0)
                return f"{peer_id} 已停止 / stopped"
            return await self._finish(joining, testing)
        finally:
            for task in (testing, watching):
                task.cancel()
            await asyncio.gather(testing, watching, return_exceptions=True)

    async def _finish(self, joining: Joining, testing: "asyncio.Task[Report]") -> str:
        peer_id = joining.peer_id
        try:
            report = testing.result()
        except (PortTaken, OSError, ValueError) as error:
            told_by_it = (
                "joining.kit_listen 无法监听 / cannot be listened on" if isinstance(error, PortTaken) else error
            )
            await self._settle(peer_id, kit_state="failed", kit_asked=0, kit_trouble=str(told_by_it)[:400])
            raise KitFailed(str(told_by_it)) from error
        tls, is_passed = self._settings.tls, report.is_passed and report.subject_id == peer_id
        signed = write_report(report, tls.certificate.read_bytes(), tls.key.read_bytes())
        trouble = "" if report.subject_id == peer_id else f"来的是 / came: {report.subject_id or '—'}"
        async with told(self._ledger, "joining.kit.end", peer_id, region=joining.region) as detail:
            detail |= {"passed": is_passed, "failed": report.counts[Verdict.FAILED], "run": report.run}
            state = "passed" if is_passed else "failed"
            await self._settle(peer_id, kit_state=state, kit_asked=0, kit_report=signed, kit_trouble=trouble)
        return f"{peer_id} {'通过 / passed' if is_passed else '未通过 / not passed'}"

    async def _test(self, joining: Joining, checks: list[Check]) -> Report:
        part, tls, hub = self._settings.joining, self._settings.tls, self._settings.hub
        terms = Terms(
            platform_id=f"{region_of(hub.id):06d}.platform", region_code=format_region(joining.region),
            patience_seconds=part.kit_patience_seconds, run=new_run(),
        )  # fmt: skip
        role = Role(id_of(tls.certificate.read_bytes()), Keys(tls.authority, tls.certificate, tls.key), part.kit_listen)
        begin = datetime.now(UTC)
        findings, cleared, caller = await check_platform(role, terms, checks, self._asking(joining.peer_id))
        run = Run(
            Face.PLATFORM, caller, part.kit_listen, hub.id, terms.run, terms.prefix, terms.region_code, begin,
            datetime.now(UTC),
        )  # fmt: skip
        return report_of(run, findings, cleared)

    def _asking(self, peer_id: str) -> Callable[[Doorway], Asking]:
        """Returns what asks people on the page to have the platform report so many records."""

        def opened(_: Doorway) -> Asking:
            async def ask(count: int) -> None:
                async with self._ledger.write() as session:
                    found = await joinings.find(session, peer_id, is_locked=True)
                    asked = count + (found.kit_asked if found else 0)
                    await joinings.change(session, peer_id, kit_asked=asked)

            return ask

        return opened

    async def _until_stopped(self, peer_id: str) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            with suppress(OSError):
                async with self._ledger.read() as session:
                    found = await joinings.find(session, peer_id)
                if found is None or found.kit_state == "stopping":
                    return

    async def _settle(self, peer_id: str, **values: object) -> None:
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        async with self._ledger.write() as session:
            await joinings.change(session, peer_id, kit_time=now, **values)
