"""The one place where a hub is put together: settings in, running roles out."""

import asyncio
import logging
import random
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from connectors.crs import Converter
from connectors.reconciliation import BalancedTable
from exchange_db import migrate, months
from exchange_db.embedded import EmbeddedServer
from exchange_db.errors import EmbeddedServerFailed
from exchange_db.intermediate.partner import PartnerRefused, Row
from exchange_db.peers import Peer
from exchange_db.session import Ledger
from hub.apply.guards import LifeRules
from hub.apply.run import ApplyRules
from hub.apply.worker import ApplyLane
from hub.clock import Clock
from hub.components.reading import ComponentReader
from hub.components.rounds import RoundDesk
from hub.delivery.backoff import pause_seconds
from hub.delivery.dialling import Dialler
from hub.delivery.dispatcher import Dispatcher
from hub.delivery.fetcher import Fetcher
from hub.delivery.office import DeliveryOffice
from hub.evidence.giving import EvidenceReader
from hub.evidence.reception import ReceptionDesk
from hub.evidence.store import EvidenceStore
from hub.intake.desk import IntakeDesk
from hub.intake.own import OwnStream
from hub.intermediate.balancing import Balance
from hub.intermediate.link_files import LinkFileInvalid, find_link
from hub.intermediate.pickup import PickupWorker
from hub.intermediate.writeback import Means, WriteBack
from hub.jobs.evidence import evidence_jobs
from hub.jobs.reconciliation import reconcile_jobs
from hub.jobs.runner import JobRunner
from hub.jobs.schedule import schedule
from hub.jobs.standards_schedule import standards_jobs
from hub.listener import Listener
from hub.reconciliation.comparing import LinkReconciler
from hub.reconciliation.databases import DatabaseReconciler
from hub.reconciliation.repairing import RepairDesk
from hub.rpc.attachment_servicer import AttachmentServicer
from hub.rpc.calls import CallGuard
from hub.rpc.case_reading import CaseReader
from hub.rpc.component_servicer import ComponentServicer
from hub.rpc.exchange_servicer import ExchangeServicer
from hub.rpc.federation_servicer import FederationServicer
from hub.rpc.ownership_servicer import OwnershipServicer
from hub.rpc.reconcile_servicer import ReconcileServicer
from hub.rpc.server import RpcServer, Servicers
from hub.rpc.standards_servicer import StandardsServicer
from hub.rpc.statistics_servicer import StatisticsServicer
from hub.rpc.throttle import Throttle
from hub.settings import ROLES, Role, Settings
from hub.standards.deadlines import DeadlinePolicy
from hub.standards.layers import RuleReader
from hub.standards.register import ClassRegister
from hub.statistics.reading import FigureReader

if TYPE_CHECKING:
    from hub.rest.server import RestServer

logger = logging.getLogger(__name__)

#: How long calls under way may take to finish when the hub stops.
DRAIN_SECONDS = 5.0
_LOOK_SECONDS = 2.0


class Hub:
    """One process of a hub.

    Args:
        settings: all settings.
        clock: the hub's clock.
        roles: what this process does; several processes may share one ledger.
    """

    def __init__(self, settings: Settings, clock: Clock, roles: tuple[Role, ...] = ROLES) -> None:
        self._settings = settings
        self._clock = clock
        self._roles = roles
        self.is_ready = asyncio.Event()
        self.port = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Runs the roles until ``stop`` is set, then drains.

        Raises:
            EmbeddedServerFailed, PortTaken, RestAddressTaken, sqlalchemy.exc.OperationalError: the hub could not start.
        """
        settings = self._settings
        async with AsyncExitStack() as stack:
            embedded = open_server(settings, stack)
            url = database_url(settings, embedded)
            await asyncio.to_thread(migrate.upgrade, url)
            ledger = await stack.enter_async_context(Ledger(url))
            async with ledger.write() as session:
                await months.ensure(session, self._clock())
            listener = Listener(ledger)
            register = make_register(settings)
            desk = IntakeDesk(ledger, listener, settings.hub.region, self._clock, register.check)
            works = [("listener", listener.run()), ("intake desk", desk.run())]
            works.append(("standards register", register.follow(ledger, listener, self._clock)))
            works += self._workers(ledger, listener, desk, register)
            if embedded is not None:
                works.append(("embedded server", _keep_up(embedded)))
            tasks = [asyncio.create_task(work, name=name) for name, work in works]
            server = self._server(ledger, listener, desk) if "intake" in self._roles else None
            rest = self._rest(ledger, listener, desk) if "intake" in self._roles and settings.rest.listen else None
            try:
                if server is not None:
                    await server.start()
                    self.port = server.port
                if rest is not None:
                    await rest.start()
                self.is_ready.set()
                await _until(stop, tasks)
            finally:
                if rest is not None:
                    await rest.stop()
                if server is not None:
                    await server.stop(DRAIN_SECONDS)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _workers(
        self, ledger: Ledger, listener: Listener, desk: IntakeDesk, register: ClassRegister
    ) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        settings, holder = self._settings, f"{self._settings.hub.instance}/{'+'.join(self._roles)}"
        reader = FigureReader(ledger, settings)
        works: list[tuple[str, Coroutine[Any, Any, None]]] = []
        if "apply" in self._roles:
            rules = ApplyRules(settings.figures.counting, _life_rules(settings))
            for number in range(settings.apply.lanes):
                lane = ApplyLane(ledger, listener, f"{holder}/{number}", rules, settings.apply.run_size)
                works.append((f"apply {number}", lane.run()))
        if "deliver" in self._roles:
            works.append(("deliver", self._office(ledger, listener, desk, register, holder).run()))
        if "schedule" in self._roles:
            sheets = OwnStream(ledger, desk, settings.hub.id, settings.hub.region, "figures")
            events = OwnStream(ledger, desk, settings.hub.id, settings.hub.region, "events")
            jobs = schedule(ledger, settings, self._clock, sheets.submit, events.submit)
            jobs += standards_jobs(ledger, settings, self._clock, make_dialler(settings).target)
            jobs += evidence_jobs(
                ledger, settings.evidence, self._clock, *make_evidence(ledger, settings, self._clock),
                make_dialler(settings).target, is_dialled=bool(settings.listen.public_address),
            )  # fmt: skip
            jobs += reconcile_jobs(
                ledger, settings.reconcile, self._clock, make_reconciler(ledger, settings, self._clock, desk)
            )
            runner = JobRunner(ledger, jobs, holder, self._clock, listener)
            works.append(("schedule", runner.run()))
        if "console" in self._roles:
            # Only a process with pages carries the weight of a web server.
            from hub.console.app import Console  # noqa: PLC0415

            works.append(("console", Console(ledger, settings, reader, self._clock).run()))
        return works

    def _office(
        self, ledger: Ledger, listener: Listener, desk: IntakeDesk, register: ClassRegister, holder: str
    ) -> DeliveryOffice:
        settings, clock, dialler = self._settings, self._clock, make_dialler(self._settings)
        pulls = not settings.listen.public_address
        means = make_means(settings, ledger, listener, clock, register, holder)

        def push(peer: Peer) -> Coroutine[Any, Any, None] | None:
            if peer.has_database:
                return WriteBack(means, peer).run()
            if not peer.is_dialled:
                return None
            return Dispatcher(ledger, listener, dialler, clock, settings.deliver, holder, peer).run()

        def fetch(peer: Peer) -> Coroutine[Any, Any, None] | None:
            if peer.relation != "parent" or not peer.is_dialled or not pulls:
                return None
            return Fetcher(ledger, dialler, desk.take, clock, settings.deliver, holder, peer).run()

        def pick_up(peer: Peer) -> Coroutine[Any, Any, None] | None:
            if not peer.has_database:
                return None
            folder = settings.intermediate.folder
            return PickupWorker(ledger, desk.hand_in, means.pause_of, folder, holder, peer).run()

        return DeliveryOffice(ledger, listener, {"deliver": push, "fetch": fetch, "pickup": pick_up})

    def _rest(self, ledger: Ledger, listener: Listener, desk: IntakeDesk) -> "RestServer":
        # Only a process that offers it carries the weight of a web server.
        from hub.rest.exchange import Exchange  # noqa: PLC0415
        from hub.rest.guard import RestGuard  # noqa: PLC0415
        from hub.rest.server import RestServer  # noqa: PLC0415

        settings = self._settings
        return RestServer(
            RestGuard(ledger, self._clock),
            Exchange(ledger, desk, listener, settings.hub.region, self._clock),
            address=settings.rest.listen,
            certificate=settings.tls.certificate,
            key=settings.tls.key,
            drain_seconds=DRAIN_SECONDS,
        )

    def _server(self, ledger: Ledger, listener: Listener, desk: IntakeDesk) -> RpcServer:
        settings = self._settings
        hub, tls = settings.hub, settings.tls
        reader = CaseReader(ledger, make_dialler(settings), hub.id, settings.figures.counting)
        exchange = ExchangeServicer(ledger, desk, listener, reader, self._clock)
        servicers = Servicers(
            exchange,
            FederationServicer(ledger, self._clock, hub.id, hub.name, hub.region),
            StandardsServicer(ledger, listener, self._clock, hub.region, RuleReader(), deadline_policy(settings)),
            StatisticsServicer(FigureReader(ledger, settings)),
            AttachmentServicer(*make_evidence(ledger, settings, self._clock), exchange.draining),
            ComponentServicer(
                ComponentReader(ledger, hub.region, Converter(settings.components.local_frame)),
                Throttle(self._clock, settings.components.calls_per_minute),
            ),
            OwnershipServicer(RoundDesk(ledger, hub.region, self._clock)),
            ReconcileServicer(ledger, self._clock, RepairDesk(ledger, desk.check, desk.take)),
        )
        return RpcServer(
            CallGuard(ledger, self._clock),
            servicers,
            address=f"{settings.listen.host}:{settings.listen.port}",
            authority=tls.authority,
            certificate=tls.certificate,
            key=tls.key,
            has_reflection=settings.listen.has_reflection,
        )


def _life_rules(settings: Settings) -> LifeRules:
    life = settings.life
    return LifeRules(life.most_extensions, life.approval_count, life.longest_suspension_days)


def deadline_policy(settings: Settings) -> DeadlinePolicy:
    """Returns how this hub's tenant counts deadlines."""
    return DeadlinePolicy(settings.standards.is_day_end, settings.standards.are_steps_consecutive)


def make_register(settings: Settings) -> ClassRegister:
    """Returns what knows the classes a hub takes."""
    return ClassRegister(settings.hub.region, settings.standards.unlisted, settings.standards.accepts)


def make_means(
    settings: Settings, ledger: Ledger, listener: Listener, clock: Clock, register: ClassRegister, holder: str
) -> Means:
    """Returns what writes to partners' databases work with."""

    def pause_of(failures: int) -> float:
        return pause_seconds(
            failures,
            first_seconds=settings.deliver.backoff_first_seconds,
            cap_seconds=settings.deliver.backoff_cap_seconds,
            chance=random.random(),  # noqa: S311 — jitter, not a secret
        )

    def codes() -> list[Row]:
        return [
            (code.standard_ref, code.kind.name.lower(), code.code, code.name, major.code if major else None)
            for code, major in register.in_force(clock())
        ]

    find = partial(find_link, settings.intermediate.folder)
    return Means(ledger, listener, clock, settings.deliver, settings.hub, holder, find, codes, pause_of)


def make_dialler(settings: Settings) -> Dialler:
    """Returns what dials neighbours with this hub's certificate."""
    return Dialler(settings.tls.authority, settings.tls.certificate, settings.tls.key)


def make_evidence(ledger: Ledger, settings: Settings, clock: Clock) -> tuple[ReceptionDesk, EvidenceReader]:
    """Returns what takes evidence in and what gives it out, over the store the settings name."""
    part, region = settings.evidence, settings.hub.region
    store = EvidenceStore(part)
    return (
        ReceptionDesk(ledger, store, part, clock, region, settings.figures.zone),
        EvidenceReader(ledger, store, part, clock, region),
    )


def make_reconciler(ledger: Ledger, settings: Settings, clock: Clock, desk: IntakeDesk) -> LinkReconciler:
    """Returns what compares the links of a hub; records it misses are taken in again at ``desk``."""
    repair = RepairDesk(ledger, desk.check, desk.take)

    async def compare(peer: Peer, *, is_full: bool, is_repairing: bool) -> tuple[list[BalancedTable], list[str]]:
        try:
            link = find_link(settings.intermediate.folder, peer.peer_id)
        except LinkFileInvalid as error:
            raise PartnerRefused(str(error)) from error
        async with ledger.dedicated() as connection:
            balance = Balance(ledger, connection, clock, settings.hub.region, peer, link)
            return await balance.run(is_full=is_full, is_repairing=is_repairing)

    return LinkReconciler(
        ledger, clock, make_dialler(settings).target, repair, settings.reconcile.recheck_days,
        DatabaseReconciler(ledger, clock, compare),
    )  # fmt: skip


def open_database(settings: Settings, stack: AsyncExitStack) -> str:
    """Returns the URL of the ledger; starts the embedded server when no other is named.

    Raises:
        EmbeddedServerFailed: the embedded server did not start.
    """
    return database_url(settings, open_server(settings, stack))


def open_server(settings: Settings, stack: AsyncExitStack) -> EmbeddedServer | None:
    """Starts the embedded server, unless a server of one's own is named.

    Raises:
        EmbeddedServerFailed: it did not start.
    """
    if settings.database.url is not None:
        return None
    return stack.enter_context(EmbeddedServer(settings.database.folder))


def database_url(settings: Settings, embedded: EmbeddedServer | None) -> str:
    """Returns the URL of the ledger, on the embedded server or on the one named."""
    if embedded is not None:
        return embedded.ensure_database(settings.database.name)
    assert settings.database.url is not None  # noqa: S101 — open_server gives a server when there is none
    return settings.database.url.get_secret_value()


async def _keep_up(server: EmbeddedServer) -> None:
    """Starts the embedded server again whenever it has ended; a server of one's own has somebody who does."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            if await asyncio.to_thread(server.revive):
                logger.warning("the embedded server had ended and was started again")
        except EmbeddedServerFailed as error:
            logger.warning("the embedded server does not start: %s", error)


async def _until(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    """Waits for the order to stop; a worker that ends by itself is a fault and ends the process."""
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for task in done - {stopping}:
        task.result()
