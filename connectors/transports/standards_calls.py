"""Asking a neighbour for releases of standards or for a deadline, telling one of releases: plain values in and out.

Called by ``hub.standards`` and ``CountyClient``. Nothing is verified here; what comes is from anywhere.
"""

from collections.abc import Iterable
from typing import NamedTuple

import grpc

from connectors.errors import CallRefused
from connectors.transports.grpc_peer import GrpcPeer, asked, translated
from exchange_db.records import CodeKind, Milestone
from protos.common.v1 import code_pb2
from protos.standards.v1 import standards_service_pb2 as standards


class Listed(NamedTuple):
    """One release as a neighbour lists it; the texts are its words."""

    number: int
    digest: str
    publisher_id: str
    kind: str
    name: str
    version: str


class DeadlineStep(NamedTuple):
    """One step of a limit.

    ``limit_value`` is 0 where the amount is no whole number, ``deadline_time`` while the clock stands still.
    """

    name: str
    start_time: int
    limit_text: str
    limit_value: int
    limit_unit: int
    deadline_time: int


class DeadlineAnswer(NamedTuple):
    """When something must be done, as the hub computed it, and the releases it used: (kind, name, version, publisher).

    ``successor_codes`` are the region codes in force where the one asked for was abolished before the start.
    """

    steps: tuple[DeadlineStep, ...]
    is_certain: bool
    unknown_years: tuple[int, ...]
    season: str
    zone: str
    condition_no: int
    condition_text: str
    closing_text: str
    standards: tuple[tuple[str, str, str, str], ...]
    successor_codes: tuple[str, ...]

    @property
    def milestones(self) -> tuple[Milestone, ...]:
        """The steps as an assignment carries them; none where there is only one."""
        if len(self.steps) < 2:
            return ()
        return tuple(Milestone(step.name, step.deadline_time) for step in self.steps)


class ConditionName(NamedTuple):
    """A filing condition of a class; number 0 where the class has only one."""

    standard_ref: str
    kind: CodeKind
    code: str
    condition_no: int = 0


class ReleasePage(NamedTuple):
    """One page of a neighbour's list."""

    releases: list[Listed]
    has_more: bool
    newest_number: int


class ShownRelease(NamedTuple):
    """A signed manifest as a neighbour gives it; ``certificates`` is PEM."""

    manifest: bytes
    signature: bytes
    certificates: bytes


async def list_releases(
    neighbour: GrpcPeer, after_number: int, after_digest: str, *, size: int = 0, timeout_seconds: float
) -> ReleasePage:
    """Returns the releases behind a number, and confirms everything up to it.

    Raises:
        ConnectorError: see ``asked``; a list that was begun anew is ``CallRefused`` with CURSOR_AHEAD.
    """
    request = standards.ListReleasesRequest(after_number=after_number, after_digest=after_digest, size=size)
    answer = await asked(neighbour.standards.ListReleases(request, timeout=timeout_seconds))
    releases = [
        Listed(one.number, one.digest, one.publisher_id, one.kind, one.name, one.version) for one in answer.releases
    ]
    return ReleasePage(releases, answer.has_more, answer.newest_number)


async def get_release(neighbour: GrpcPeer, digest: str, *, timeout_seconds: float) -> ShownRelease:
    """Returns one release.

    Raises:
        ConnectorError: see ``asked``.
    """
    request = standards.GetReleaseRequest(digest=digest)
    answer = await asked(neighbour.standards.GetRelease(request, timeout=timeout_seconds))
    return ShownRelease(answer.manifest, answer.signature, answer.certificates)


async def fetch_document(neighbour: GrpcPeer, digest: str, size: int, *, timeout_seconds: float) -> bytes:
    """Returns the bytes of a document; no more than ``size`` and a piece are ever kept.

    Raises:
        ConnectorError: see ``asked``; ``CallRefused`` with RELEASE_DAMAGED when there are more bytes than there should
            be.
    """
    content = bytearray()
    call = neighbour.standards.FetchDocument(standards.FetchDocumentRequest(digest=digest), timeout=timeout_seconds)
    try:
        async for piece in call:
            content += piece.chunk
            if len(content) > size:
                raise CallRefused(f"document {digest} is longer than {size} bytes", "RELEASE_DAMAGED", [])
    except grpc.aio.AioRpcError as error:
        raise translated(error) from error
    finally:
        call.cancel()
    return bytes(content)


async def announce(neighbour: GrpcPeer, newest_number: int, *, timeout_seconds: float) -> None:
    """Tells a hub below that there is something new.

    Raises:
        ConnectorError: see ``asked``.
    """
    request = standards.AnnounceRequest(newest_number=newest_number)
    await asked(neighbour.standards.Announce(request, timeout=timeout_seconds))


async def compute_deadline(
    hub: GrpcPeer,
    region_code: str,
    start_time: int,
    rule: str | ConditionName,
    pauses: Iterable[tuple[int, int]] = (),
    *,
    timeout_seconds: float,
) -> DeadlineAnswer:
    """Asks a hub until when something must be done.

    Args:
        hub: the hub.
        region_code: six digits; its calendar and filing conditions count.
        start_time: microseconds since 1970.
        rule: a limit as tables write it, or a filing condition.
        pauses: when the clock stood still, from and to; 0 for what is still open.
        timeout_seconds: longest wait.

    Raises:
        ConnectorError: see ``asked``.
    """
    request = standards.ComputeDeadlineRequest(
        region_code=region_code,
        start_time=start_time,
        pauses=[standards.ClockPause(from_time=first, to_time=last) for first, last in pauses],
    )
    if isinstance(rule, str):
        request.limit_text = rule
    else:
        named = code_pb2.CodeRef(
            standard_ref=rule.standard_ref,
            kind=rule.kind.value,  # type: ignore[arg-type] # the same numbers
            code=rule.code,
        )
        key = standards.FilingConditionKey(class_code=named, condition_no=rule.condition_no)
        request.filing_condition.CopyFrom(key)
    answer = await asked(hub.standards.ComputeDeadline(request, timeout=timeout_seconds))
    return DeadlineAnswer(
        tuple(
            DeadlineStep(
                one.name, one.start_time, one.limit_text, one.limit_value, int(one.limit_unit), one.deadline_time
            )
            for one in answer.steps
        ),
        answer.is_certain,
        tuple(answer.unknown_years),
        answer.season,
        answer.zone,
        answer.condition_no,
        answer.condition_text,
        answer.closing_text,
        tuple((one.kind, one.name, one.version, one.publisher_id) for one in answer.standards),
        tuple(answer.successor_codes),
    )
