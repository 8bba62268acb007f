"""Reading cases for a neighbour: one, a list, and the whole trace over the tiers."""

import asyncio
import logging

from google.protobuf.message import Message

from auth.permissions import narrowed, visible_regions
from auth.principal import Principal
from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import GrpcPeer, asked
from connectors.veiling import cover
from exchange_db import cases, peers, quarantine, tracing
from exchange_db.cases import CaseFilter, CaseRow, CaseState
from exchange_db.counting import CountingRules
from exchange_db.keys import case_key
from exchange_db.records import Violated, Violation
from exchange_db.regions import parse_region, region_of, tier_of
from exchange_db.session import Ledger, ReadSession
from hub.apply.clocks import ClockStep, intervals_of
from hub.delivery.dialling import Dialler
from hub.rpc import answers, paging
from hub.veil import Veil
from protos.case.v1 import case_pb2
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2

logger = logging.getLogger(__name__)

_TRACE_SECONDS = 5.0
_STATES = {state.name.lower(): state for state in CaseState}


class CaseReader:
    """Answers questions about cases.

    Args:
        ledger: the hub's database.
        dialler: reaches the hubs above, for traces.
        hub_id: name of this hub.
        rules: how cases are counted.
        veil: what neighbours above are shown.
    """

    def __init__(self, ledger: Ledger, dialler: Dialler, hub_id: str, rules: CountingRules, veil: Veil) -> None:
        self._veil = veil
        self._ledger = ledger
        self._dialler = dialler
        self._hub_id = hub_id
        self._hub_region = region_of(hub_id)
        self._rules = rules

    async def get(self, viewer: Principal, request: exchange.GetCaseRequest) -> exchange.GetCaseResponse:
        """Returns one case with all its sections and actions."""
        async with self._ledger.read() as session:
            row = await self._find(session, viewer, request.key)
            if row is None:
                raise Violated("CASE_NOT_FOUND", "key")
            payloads = await tracing.payloads(session, row)
            story = await tracing.actions(session, row)
        case = case_pb2.Case(key=case_pb2.CaseKey(issuer_id=row.issuer_id, case_no=row.case_no))
        for name in ("report", "assignment", "handling", "verdict"):
            payload = payloads.get(getattr(row, f"{name}_inbox_id"))
            if payload is not None:
                getattr(case, name).CopyFrom(getattr(parcel_pb2.Parcel.FromString(payload).case, name))
        case.actions.extend(map(answers.case_action, story))
        self._cover(viewer, case)
        return exchange.GetCaseResponse(case=case, state=answers.state_name(row.state))

    async def listing(self, viewer: Principal, request: exchange.ListCasesRequest) -> exchange.ListCasesResponse:
        """Returns one page of cases inside the viewer's rights."""
        size = paging.read_size(request.page.size)
        if request.state and request.state not in _STATES:
            raise Violated("ARGUMENT_INVALID", "state", request.state)
        regions = narrowed(viewer, self._hub_region, _region(request.region_code))
        if regions is None:
            return exchange.ListCasesResponse()
        wanted = CaseFilter(
            regions,
            _STATES[request.state] if request.state else 0,
            request.handler_id,
            request.reported_from_time,
            request.reported_before_time,
            paging.read_token(request.page.token, paging.CasePlace),
        )
        async with self._ledger.read() as session:
            rows = await cases.listing(session, wanted, size + 1)
        last = rows[size - 1] if len(rows) > size else None
        return exchange.ListCasesResponse(
            cases=[answers.summary(row, self._rules) for row in rows[:size]],
            next_page_token=paging.write_token(paging.CasePlace(last.reported_time, last.case_id)) if last else "",
        )

    async def trace(self, viewer: Principal, request: exchange.TraceCaseRequest) -> exchange.TraceCaseResponse:
        """Returns where each tier stands with a case, this hub first."""
        async with self._ledger.read() as session:
            row = await self._find(session, viewer, request.key)
            here = exchange.TierTrace(hub_id=self._hub_id, tier=tier_of(self._hub_region))
            if row is not None:
                await self._trace_here(session, row, here)
                self._cover(viewer, here)
            elif not request.include_upper_tiers or not self._is_own(viewer, request.key):
                raise Violated("CASE_NOT_FOUND", "key")
            parents = [
                peer for peer in await peers.all_peers(session) if peer.relation == "parent" and peer.state == "active"
            ]
        response = exchange.TraceCaseResponse(tiers=[here])
        if request.include_upper_tiers:
            for above in await asyncio.gather(*(self._trace_above(peer, request) for peer in parents)):
                response.tiers.extend(above)
        return response

    def _cover(self, viewer: Principal, message: Message) -> None:
        if self._veil.is_over(viewer.peer_id):
            cover(message, self._veil.mask)

    def _is_own(self, viewer: Principal, key: case_pb2.CaseKey) -> bool:
        """Tells whether a viewer may ask the tiers above, in this hub's name, for a case that is not known here."""
        visible = visible_regions(viewer, self._hub_region)
        return viewer.relation == "child" and region_of(key.issuer_id) in visible

    async def _trace_here(self, session: ReadSession, row: CaseRow, here: exchange.TierTrace) -> None:
        here.state = answers.state_name(row.state)
        payloads = await tracing.payloads(session, row)
        ids = {inbox_id: parcel_pb2.Parcel.FromString(data).message_id for inbox_id, data in payloads.items()}
        here.sections.extend(answers.section_trace(trail) for trail in await tracing.sections(session, row))
        here.deliveries.extend(
            answers.delivery_trace(trail, ids[trail.inbox_id]) for trail in await tracing.deliveries(session, row)
        )
        steps = await tracing.steps(session, row)
        here.steps.extend(map(answers.step_trace, steps))
        lasted = intervals_of(ClockStep(step.state, step.step_time) for step in steps)
        here.intervals.extend(map(answers.clock_interval, lasted))
        here.actions.extend(map(answers.case_action, await tracing.actions(session, row)))
        here.quarantined.extend(
            answers.quarantined(
                held.sequence,
                Violation(held.reason, held.field_path, held.message, held.message_zh),
                held.created_time,
            )
            for held in await quarantine.of_record(session, row.case_id)
        )

    async def _trace_above(self, peer: peers.Peer, request: exchange.TraceCaseRequest) -> list[exchange.TierTrace]:
        if not peer.is_dialled:
            return [_silent(peer, "this hub cannot dial it 本枢纽无法主动连接")]
        try:
            async with asyncio.timeout(_TRACE_SECONDS), GrpcPeer(self._dialler.target(peer)) as neighbour:
                answer = await asked(neighbour.exchange.TraceCase(request, timeout=_TRACE_SECONDS))
        except (ConnectorError, TimeoutError) as error:
            return [_silent(peer, str(error) or "no answer in time 未及时应答")]
        return list(answer.tiers)

    async def _find(self, session: ReadSession, viewer: Principal, key: case_pb2.CaseKey) -> CaseRow | None:
        try:
            home_region = region_of(key.issuer_id)
        except ValueError:
            raise Violated("PLATFORM_ID_INVALID", "key.issuer_id", key.issuer_id) from None
        visible = visible_regions(viewer, self._hub_region)
        return await cases.find(session, home_region, case_key(key.issuer_id, key.case_no), visible)


def _silent(peer: peers.Peer, reason: str) -> exchange.TierTrace:
    return exchange.TierTrace(hub_id=peer.peer_id, tier=tier_of(peer.region), unreachable_reason=reason)


def _region(code: str) -> int | None:
    if not code:
        return None
    try:
        return parse_region(code)
    except ValueError:
        raise Violated("REGION_INVALID", "region_code", code) from None
