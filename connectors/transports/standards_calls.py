"""Asking a neighbour for releases of standards, and telling one that there are some: plain values in and out.

Called by ``hub.standards``. Nothing is verified here; what comes is from anywhere.
"""

from typing import NamedTuple

import grpc

from connectors.errors import CallRefused
from connectors.transports.grpc_peer import GrpcPeer, asked, translated
from protos.standards.v1 import standards_service_pb2 as standards


class Listed(NamedTuple):
    """One release as a neighbour lists it; the texts are its words."""

    number: int
    digest: str
    publisher_id: str
    kind: str
    name: str
    version: str


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
