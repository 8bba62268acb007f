"""The one place where a hub is put together: settings in, running roles out."""

import asyncio
import logging
import random
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from connectors.crs import Converter
from connectors.reconciliation import BalancedTable
from exchange_db import migrate, months
from exchange_db.audit_records import hub_actor
from exchange_db.intermediate.partner import PartnerRefused, Row
from exchange_db.peers import Peer
from exchange_db.seal_records import Sealing
from exchange_db.session import Ledger
from hub.alerts.making import make_alerts
from hub.apply.guards import LifeRules
from hub.apply.run import ApplyRules
from hub.apply.worker import ApplyLane
from hub.audit.checkpoints import CheckpointDesk
from hub.audit.opening import open_log
from hub.audit.silence import SilenceWatch
from hub.audit.witnessing import Witness
from hub.clock import Clock
from hub.components.reading import ComponentReader
from hub.components.rounds import RoundDesk
from hub.database import database_url, keep_up, open_server
from hub.delivery.backoff import pause_seconds
from hub.delivery.dialling import Dialler
from hub.delivery.dispatcher import Dispatcher
from hub.delivery.fetcher import Fetcher
from hub.delivery.office import DeliveryOffice
from hub.evidence.giving import EvidenceReader
from hub.evidence.reception import ReceptionDesk
from hub.evidence.store import EvidenceStore
from hub.federation.sealing import hub_sealer
from hub.files.making import file_works
from hub.intake.desk import IntakeDesk
from hub.intake.own import OwnStream
from hub.intake.seals import SealJudge
from hub.intermediate.balancing import Balance
from hub.intermediate.link_files import LinkFileInvalid, find_link
from hub.intermediate.pickup import PickupWorker
from hub.intermediate.writeback import Means, WriteBack
from hub.jobs.archive_schedule import archive_jobs
from hub.jobs.audit_schedule import audit_jobs
from hub.jobs.backup_schedule import backup_jobs, require_caught_up
from hub.jobs.canary_schedule import canary_jobs
from hub.jobs.case_text_schedule import case_text_jobs
from hub.jobs.evaluation_schedule import evaluation_jobs
from hub.jobs.evidence import evidence_jobs
from hub.jobs.expiry_schedule import expiry_jobs
from hub.jobs.followup import followup_jobs
from hub.jobs.link_samples import link_sample_jobs
from hub.jobs.link_schedule import link_jobs
from hub.jobs.period_schedule import period_jobs
from hub.jobs.personal_schedule import personal_jobs
from hub.jobs.reconciliation import reconcile_jobs
from hub.jobs.reports import report_jobs
from hub.jobs.runner import JobRunner
from hub.jobs.schedule import schedule
from hub.jobs.sessions import session_jobs
from hub.jobs.standards_schedule import standards_jobs
from hub.jobs.upkeep_schedule import upkeep_jobs
from hub.links.watching import LinkWatch
from hub.listener import Listener
from hub.personal.making import make_personal_desk
from hub.reconciliation.comparing import LinkReconciler
from hub.reconciliation.databases import DatabaseReconciler
from hub.reconciliation.repairing import RepairDesk
from hub.rpc.attachment_servicer import AttachmentServicer
from hub.rpc.audit_servicer import AuditServicer
from hub.rpc.calls import CallGuard
from hub.rpc.case_reading import CaseReader
from hub.rpc.component_servicer import ComponentServicer
from hub.rpc.document_servicer import DocumentServicer
from hub.rpc.evaluation_making import make_evaluation
from hub.rpc.exchange_servicer import ExchangeServicer
from hub.rpc.federation_servicer import FederationServicer
from hub.rpc.ownership_servicer import OwnershipServicer
from hub.rpc.reconcile_servicer import ReconcileServicer
from hub.rpc.server import RpcServer, Servicers
from hub.rpc.standards_servicer import StandardsServicer
from hub.rpc.statistics_servicer import StatisticsServicer
from hub.settings import ROLES, Role, Settings
from hub.standards.deadlines import DeadlinePolicy
from hub.standards.layers import RuleReader
from hub.standards.register import ClassRegister
from hub.statistics.reading import FigureReader
from hub.telemetry.steps import telling_of_records
from hub.throttle import Throttle, throttles
from hub.veil import Veil

logger = logging.getLogger(__name__)

#: How long calls under way may take to finish when the hub stops.
DRAIN_SECONDS = 5.0


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
        self.is_ready, self.port = asyncio.Event(), 0
        #: Set by what listens a little later than ``is_ready``.
        self.opening: list[asyncio.Event] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Runs the roles until ``stop`` is set, then drains.

        Raises:
            EmbeddedServerFailed, LogUnfit, PortTaken, RestAddressTaken, SigningKeyUnusable, OperationalError: no start.
        """
        settings = self._settings
        async with AsyncExitStack() as stack:
            stack.enter_context(telling_of_records(settings))
            embedded = open_server(settings, stack)
            url = database_url(settings, embedded)
            await asyncio.to_thread(migrate.upgrade, url, actor=hub_actor(settings.hub.id))
            ledger = await stack.enter_async_context(Ledger(url))
            await require_caught_up(ledger)
            async with ledger.write() as session:
                await months.ensure(session, self._clock())
            await open_log(ledger, settings, make_checkpoints(ledger, settings, self._clock), self._roles)
            listener = Listener(ledger)
            register = make_register(settings)
            judge = SealJudge(ledger, listener, settings.hub.id, self._clock)
            desk = IntakeDesk(ledger, listener, settings.hub.region, self._clock, register.check, judge)
            works = [("listener", listener.run()), ("intake desk", desk.run())]
            works.append(("standards register", register.follow(ledger, listener, self._clock)))
            works += self._workers(ledger, listener, desk, register)
            if embedded is not None:
                works.append(("embedded server", keep_up(embedded)))
            tasks = [asyncio.create_task(work, name=name) for name, work in works]
            server = self._server(ledger, listener, desk) if "intake" in self._roles else None
            rest = None
            if "intake" in self._roles and settings.rest.listen:
                # Only a process that offers it carries the weight of a web server.
                from hub.rest.making import make_rest  # noqa: PLC0415

                rest = make_rest(settings, ledger, listener, desk, self._clock, DRAIN_SECONDS)
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
        works: list[tuple[str, Coroutine[Any, Any, None]]] = []
        if "apply" in self._roles:
            rules = ApplyRules(settings.figures.counting, _life_rules(settings))
            for number in range(settings.apply.lanes):
                lane = ApplyLane(
                    ledger, listener, f"{holder}/{number}", rules, settings.apply.run_size, settings.hub.id
                )
                works.append((f"apply {number}", lane.run()))
        if "deliver" in self._roles:
            works.append(("deliver", self._office(ledger, listener, desk, register, holder).run()))
        if "schedule" in self._roles:
            sheets = OwnStream(ledger, desk, settings.hub.id, settings.hub.region, "figures")
            events = OwnStream(ledger, desk, settings.hub.id, settings.hub.region, "events")
            jobs = schedule(ledger, settings, self._clock, sheets.submit, events.submit)
            jobs += period_jobs(ledger, settings, self._clock, sheets.submit)
            jobs += session_jobs(ledger, settings.console, self._clock)
            jobs += standards_jobs(ledger, settings, self._clock, make_dialler(settings, self._clock).target)
            jobs += evidence_jobs(
                ledger, settings.evidence, self._clock, *make_evidence(ledger, settings, self._clock),
                make_dialler(settings, self._clock).target, is_dialled=bool(settings.listen.public_address),
            )  # fmt: skip
            reconciler = make_reconciler(ledger, settings, self._clock, desk, register)
            jobs += reconcile_jobs(ledger, settings.reconcile, self._clock, reconciler)
            jobs += link_jobs(ledger, settings, self._clock, reconciler) + expiry_jobs(ledger, settings, self._clock)
            asks = bool(settings.health.canary_seconds)
            works.append(("link watch", LinkWatch(ledger, settings.links, holder, asks_canaries=asks).run()))
            jobs += backup_jobs(ledger, settings, self._clock, reconciler)
            jobs += evaluation_jobs(ledger, settings, self._clock, events.submit)
            jobs += (*followup_jobs(ledger, settings, self._clock), *report_jobs(ledger, settings, self._clock))
            jobs += (*archive_jobs(ledger, settings, self._clock), *link_sample_jobs(ledger, settings, self._clock))
            jobs += (*upkeep_jobs(ledger, settings, self._clock), *case_text_jobs(ledger))
            jobs += canary_jobs(ledger, settings, self._clock, desk)
            jobs += personal_jobs(make_personal_desk(settings, ledger, self._clock))
            watch = SilenceWatch(ledger, settings.hub.id, self._clock, settings.audit.silent_minutes)
            jobs += audit_jobs(
                make_checkpoints(ledger, settings, self._clock), watch, settings.audit.checkpoint_seconds
            )
            runner = JobRunner(ledger, jobs, holder, self._clock, listener)
            works += [("schedule", runner.run()), ("alerts", make_alerts(settings, ledger, self._clock, holder).run())]
        if "console" in self._roles:
            works += self._pages(ledger, desk, register)
        return works

    def _pages(
        self, ledger: Ledger, desk: IntakeDesk, register: ClassRegister
    ) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        # Only a process with pages carries the weight of a web server.
        from hub.approvals.making import make_proposals  # noqa: PLC0415
        from hub.console.app import Console  # noqa: PLC0415
        from hub.signon.providing import make_provider, make_teller  # noqa: PLC0415

        settings, clock = self._settings, self._clock
        provider = make_provider(settings, ledger)
        links = make_reconciler(ledger, settings, clock, desk, register)
        proposals = make_proposals(ledger, settings, clock, register, links.run)
        console = Console(ledger, settings, FigureReader(ledger, settings), clock, None, provider, proposals)
        self.opening.append(console.is_ready)
        works: list[tuple[str, Coroutine[Any, Any, None]]] = [("console", console.run())]
        if provider is not None:
            works.append(("sign-off notices", make_teller(settings, provider, clock).run()))
        return works

    def _office(
        self, ledger: Ledger, listener: Listener, desk: IntakeDesk, register: ClassRegister, holder: str
    ) -> DeliveryOffice:
        settings, clock = self._settings, self._clock
        dialler = make_dialler(settings, clock, hub_sealer(settings, clock))
        pulls, veil = not settings.listen.public_address, Veil(settings.hub.id, settings.personal)
        means = make_means(settings, ledger, listener, clock, register, holder)

        def push(peer: Peer) -> Coroutine[Any, Any, None] | None:
            if peer.has_database:
                return WriteBack(means, peer).run()
            if not peer.is_dialled:
                return None
            return Dispatcher(ledger, listener, dialler, clock, settings.deliver, holder, peer, veil=veil).run()

        def fetch(peer: Peer) -> Coroutine[Any, Any, None] | None:
            if peer.relation != "parent" or not peer.is_dialled or not pulls:
                return None
            return Fetcher(ledger, dialler, desk.take, clock, settings.deliver, holder, peer).run()

        def pick_up(peer: Peer) -> Coroutine[Any, Any, None] | None:
            if not peer.has_database:
                return None
            folder = settings.intermediate.folder
            return PickupWorker(ledger, desk.hand_in, means.pause_of, folder, holder, peer).run()

        carry = file_works(settings, ledger, listener, desk.take, clock, holder)
        return DeliveryOffice(ledger, listener, {"deliver": push, "fetch": fetch, "pickup": pick_up, "files": carry})

    def _server(self, ledger: Ledger, listener: Listener, desk: IntakeDesk) -> RpcServer:
        settings, hub, tls = self._settings, self._settings.hub, self._settings.tls
        veil = Veil(hub.id, settings.personal)
        reader = CaseReader(ledger, make_dialler(settings, self._clock), hub.id, settings.figures.counting, veil)
        sealing = hub_sealer(settings, self._clock)
        exchange = ExchangeServicer(ledger, desk, listener, reader, self._clock, sealing, veil)
        servicers = Servicers(
            exchange,
            FederationServicer(
                ledger,
                self._clock,
                hub.id,
                hub.name,
                hub.region,
                tls.authority,
                needs_confirmation=settings.joining.needs_confirmation,
            ),
            StandardsServicer(ledger, listener, self._clock, hub.region, RuleReader(), deadline_policy(settings)),
            StatisticsServicer(ledger, settings, self._clock),
            AttachmentServicer(*make_evidence(ledger, settings, self._clock), exchange.draining),
            ComponentServicer(
                ComponentReader(ledger, hub.region, Converter(settings.components.local_frame)),
                Throttle(self._clock, settings.components.calls_per_minute),
            ),
            OwnershipServicer(RoundDesk(ledger, hub.region, self._clock)),
            ReconcileServicer(ledger, self._clock, RepairDesk(ledger, desk.check, desk.take, veil), sealing),
            AuditServicer(Witness(ledger, hub.id, tls, self._clock)),
            DocumentServicer(ledger, desk, hub.region, self._clock, veil),
            make_evaluation(ledger, settings, self._clock),
        )
        return RpcServer(
            CallGuard(ledger, self._clock, *throttles(settings.limits, self._clock)),
            servicers,
            listen=settings.listen,
            authority=tls.authority,
            certificate=tls.certificate,
            key=tls.key,
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

    find, codes = partial(find_link, settings.intermediate.folder), partial(codes_in_force, register, clock)
    return Means(ledger, listener, clock, settings.deliver, settings.hub, holder, find, codes, pause_of)


def codes_in_force(register: ClassRegister, clock: Clock) -> list[Row]:
    """Returns the codes that partners' databases are given, as rows."""
    return [
        (code.standard_ref, code.kind.name.lower(), code.code, code.name, major.code if major else None)
        for code, major in register.in_force(clock())
    ]


def make_dialler(settings: Settings, clock: Clock, sealing: Sealing | None = None) -> Dialler:
    """Returns what dials neighbours with this hub's certificate; ``sealing`` where batches are delivered."""
    return Dialler(settings.tls.authority, settings.tls.certificate, settings.tls.key, clock, sealing)


def make_checkpoints(ledger: Ledger, settings: Settings, clock: Clock) -> CheckpointDesk:
    """Returns what signs the audit log's state and has neighbours sign it."""
    return CheckpointDesk(
        ledger, settings.hub.id, settings.tls, make_dialler(settings, clock).target, clock,
        timeout_seconds=settings.deliver.answer_timeout_seconds, late_seconds=settings.audit.late_minutes * 60,
    )  # fmt: skip


def make_evidence(ledger: Ledger, settings: Settings, clock: Clock) -> tuple[ReceptionDesk, EvidenceReader]:
    """Returns what takes evidence in and what gives it out, over the store the settings name."""
    part, region = settings.evidence, settings.hub.region
    store = EvidenceStore(part)
    return (
        ReceptionDesk(ledger, store, part, clock, region, settings.figures.zone),
        EvidenceReader(ledger, store, part, clock, region),
    )


def make_reconciler(
    ledger: Ledger, settings: Settings, clock: Clock, desk: IntakeDesk, register: ClassRegister
) -> LinkReconciler:
    """Returns what compares the links of a hub; records it misses are taken in again at ``desk``."""
    repair = RepairDesk(ledger, desk.check, desk.take, Veil(settings.hub.id, settings.personal))

    async def compare(peer: Peer, *, is_full: bool, is_repairing: bool) -> tuple[list[BalancedTable], list[str]]:
        try:
            link = find_link(settings.intermediate.folder, peer.peer_id)
        except LinkFileInvalid as error:
            raise PartnerRefused(str(error)) from error
        async with ledger.dedicated() as connection:
            codes = codes_in_force(register, clock)
            balance = Balance(ledger, connection, clock, settings.hub.region, peer, link, codes=codes)
            return await balance.run(is_full=is_full, is_repairing=is_repairing)

    dialler = make_dialler(settings, clock, hub_sealer(settings, clock))
    return LinkReconciler(
        ledger, clock, dialler.target, repair, settings.reconcile.recheck_days,
        DatabaseReconciler(ledger, clock, compare),
    )  # fmt: skip


async def _until(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    """Waits for the order to stop; a worker that ends by itself is a fault and ends the process."""
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for task in done - {stopping}:
        task.result()
