"""StandardsService: gives releases to those below, takes notice of new ones above, and computes deadlines by them."""

from collections.abc import AsyncIterator
from typing import Any

from auth.permissions import readable_publishers, require_parent, require_visible
from exchange_db import standard_links, standards, wakeups
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.listener import Listener
from hub.rpc import paging
from hub.rpc.calls import principal_of
from hub.rpc.deadline_answers import answer_of, question_of, refusal_of
from hub.standards.computing import computed
from hub.standards.deadlines import DeadlinePolicy
from hub.standards.layers import RuleReader
from hub.standards.limits import RuleBroken
from protos.standards.v1 import standards_service_pb2 as contract
from protos.standards.v1 import standards_service_pb2_grpc as contract_grpc

_CHUNK_BYTES = 1024 * 1024


class StandardsServicer(contract_grpc.StandardsServiceServicer):
    """Serves the standards contract.

    Args:
        ledger: the hub's database.
        listener: told of announcements.
        clock: the hub's clock.
        hub_region: region of this hub.
        rules: what is in force where.
        policy: how this hub's tenant counts.
    """

    def __init__(
        self,
        ledger: Ledger,
        listener: Listener,
        clock: Clock,
        hub_region: int,
        rules: RuleReader,
        policy: DeadlinePolicy,
    ) -> None:
        self._ledger = ledger
        self._listener = listener
        self._clock = clock
        self._hub_region = hub_region
        self._rules = rules
        self._policy = policy

    async def ListReleases(self, request: contract.ListReleasesRequest, context: Any) -> contract.ListReleasesResponse:
        """Names releases behind a number, and notes what the caller holds."""
        principal, after = principal_of(context), request.after_number
        publishers, size = readable_publishers(principal), paging.read_size(request.size)
        if after < 0:
            raise Violated("ARGUMENT_INVALID", "after_number", after)
        async with self._ledger.read() as session:
            newest = await standards.newest_number(session, publishers)
            is_other = request.after_digest and await standards.digest_at(session, after) != request.after_digest
            if after > newest or is_other:
                raise Violated("CURSOR_AHEAD", "after_number", after)
            found = await standards.listing(session, after, publishers, size + 1)
        if principal.relation == "child":
            async with self._ledger.write() as session:
                await standard_links.note_asked(session, principal.peer_id, after, self._clock())
        return contract.ListReleasesResponse(
            releases=[contract.ReleaseSummary(**summary._asdict()) for summary in found[:size]],
            has_more=len(found) > size,
            newest_number=newest,
        )

    async def GetRelease(self, request: contract.GetReleaseRequest, context: Any) -> contract.GetReleaseResponse:
        """Gives one signed manifest."""
        async with self._ledger.read() as session:
            found = await standards.find(session, _digest(request.digest), readable_publishers(principal_of(context)))
        if found is None:
            raise Violated("RELEASE_NOT_FOUND", "digest", request.digest)
        return contract.GetReleaseResponse(
            manifest=found.manifest, signature=found.signature, certificates=found.certificates
        )

    async def FetchDocument(
        self, request: contract.FetchDocumentRequest, context: Any
    ) -> AsyncIterator[contract.FetchDocumentResponse]:
        """Gives a document piece by piece."""
        digest, offset = _digest(request.digest), request.offset
        async with self._ledger.read() as session:
            is_allowed = await standards.is_document_of(session, digest, readable_publishers(principal_of(context)))
        if not is_allowed:
            raise Violated("RELEASE_NOT_FOUND", "digest", digest)
        if offset < 0:
            raise Violated("ARGUMENT_INVALID", "offset", offset)
        while True:
            async with self._ledger.read() as session:
                found = await standards.piece_of(session, digest, offset, _CHUNK_BYTES)
            if found is None:
                raise Violated("RELEASE_NOT_FOUND", "digest", digest)
            chunk, size = found
            if offset > size:
                raise Violated("ARGUMENT_INVALID", "offset", offset)
            if chunk:
                yield contract.FetchDocumentResponse(chunk=chunk, size=size)
            offset += len(chunk)
            if offset >= size or not chunk:
                return

    async def Announce(self, request: contract.AnnounceRequest, context: Any) -> contract.AnnounceResponse:
        """Notes that the hub above has something new, and begins to pull."""
        principal = principal_of(context)
        require_parent(principal)
        if request.newest_number < 0:
            raise Violated("ARGUMENT_INVALID", "newest_number", request.newest_number)
        async with self._ledger.write() as session:
            await standard_links.note_newest(session, principal.peer_id, request.newest_number)
        self._listener.tell(wakeups.ANNOUNCED)
        return contract.AnnounceResponse()

    async def ComputeDeadline(
        self, request: contract.ComputeDeadlineRequest, context: Any
    ) -> contract.ComputeDeadlineResponse:
        """Counts a limit by what is in force at its start."""
        question = question_of(request)
        require_visible(principal_of(context), question.region, "region_code", self._hub_region)
        async with self._ledger.read() as session:
            book = await self._rules.book(session, question.region, question.start_time)
        try:
            return answer_of(computed(question, book, self._policy), book, question.region)
        except RuleBroken as broken:
            raise refusal_of(broken, question) from None


def _digest(text: str) -> str:
    """Returns a digest as it was given.

    Raises:
        Violated: ARGUMENT_INVALID, it is none.
    """
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise Violated("ARGUMENT_INVALID", "digest", text)
    return text
