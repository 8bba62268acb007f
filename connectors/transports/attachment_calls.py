"""Bytes of evidence over a connection to a neighbour: sending from where it left off, fetching from an offset.

Memory stays flat: one chunk is under way, and HTTP/2 holds back whoever is faster. Shared by platforms' clients and by
the hub, which fetches what it misses.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import grpc

from connectors.errors import Unreachable
from connectors.transports.grpc_peer import GrpcPeer, asked, translated
from exchange_db.attachment_records import AttachmentKind, Offer
from protos.attachment.v1 import attachment_service_pb2 as attachment
from protos.case.v1 import case_pb2
from protos.common.v1 import page_pb2

CHUNK = 512 * 1024
#: Longest silence of a neighbour; storing a large film in a bucket takes its time.
ANSWER_SECONDS = 300.0

#: Gives bytes from an offset on.
Source = Callable[[int], AsyncIterator[bytes]]
#: Told how many bytes are on the hub's disk.
Progress = Callable[[int], None]


class Delivered(NamedTuple):
    """A hub's verdict on an upload; ``stored_time`` is in microseconds since 1970."""

    is_duplicate: bool
    sniffed_type: str
    stored_time: int


class FetchedPiece(NamedTuple):
    """A piece of a download, with what the neighbour says of the whole."""

    offset: int
    data: bytes
    size_bytes: int
    media_type: str


async def upload(peer: GrpcPeer, offer: Offer, source: Source, told: Progress | None = None) -> Delivered:
    """Sends bytes from where the hub says, and returns its verdict.

    Args:
        peer: an open connection.
        offer: what the bytes are and which case they belong to.
        source: gives them from an offset on, in pieces of at most 1 MiB.
        told: called with every acknowledged offset.

    Raises:
        Unreachable: the connection broke; the same call goes on where it stopped.
        CallRefused, CredentialsRefused: the hub does not want it.
        Exception: what the source raises.
    """
    call = peer.attachments.Upload()
    sending: asyncio.Task[None] | None = None
    try:
        await call.write(attachment.UploadRequest(header=_header(offer)))
        opened = await _read(call)
        if opened is None or not opened.HasField("opened"):
            raise Unreachable("the upload ended before it was opened")
        sending = asyncio.create_task(_send(call, source, opened.opened.next_offset))
        if told is not None:
            told(opened.opened.next_offset)
        while (answer := await _read(call, sending)) is not None:
            if answer.HasField("verdict"):
                return Delivered(answer.verdict.is_duplicate, answer.verdict.sniffed_type, answer.verdict.stored_time)
            if told is not None:
                told(answer.progress.durable_offset)
    except grpc.aio.AioRpcError as error:
        raise translated(error) from error
    except asyncio.InvalidStateError as error:
        raise Unreachable("the upload ended") from error
    except TimeoutError:
        raise Unreachable("no answer to an upload in time") from None
    finally:
        if sending is not None:
            sending.cancel()
            await asyncio.wait((sending,))
        call.cancel()
    raise Unreachable("the upload ended without a verdict")


async def _read(call: Any, sending: "asyncio.Task[None] | None" = None) -> attachment.UploadResponse | None:
    """Returns the next answer; what went wrong at the source is told first."""
    reading = asyncio.ensure_future(call.read())
    waited = {reading, sending} if sending is not None and not sending.done() else {reading}
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if sending is not None and sending.done():
                sending.result()
            answer = await reading
    finally:
        reading.cancel()
    return answer if isinstance(answer, attachment.UploadResponse) else None


async def _send(call: Any, source: Source, offset: int) -> None:
    # The call may be over; what ended it is told where the answers are read.
    with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        async for data in source(offset):
            chunk = attachment.Chunk(offset=offset, data=data)
            await call.write(attachment.UploadRequest(chunk=chunk))
            offset += len(data)
        await call.done_writing()


def file_source(path: Path) -> Source:
    """Returns what gives the bytes of a file."""

    async def pieces(offset: int) -> AsyncIterator[bytes]:
        with path.open("rb") as file:
            file.seek(offset)
            while data := await asyncio.to_thread(file.read, CHUNK):
                yield data

    return pieces


async def wanted_by(peer: GrpcPeer) -> AsyncIterator[Offer]:
    """Yields what a hub misses from us and would like to have, the longest missing first.

    Raises:
        Unreachable, CallRefused, CredentialsRefused: see there.
    """
    token = ""
    while True:
        request = attachment.ListWantedRequest(page=page_pb2.Page(size=500, token=token))
        answer = await asked(peer.attachments.ListWanted(request, timeout=30.0))
        for item in answer.wanted:
            header = item.header
            yield Offer(
                header.digest, header.size_bytes, header.media_type, AttachmentKind(int(header.kind)),
                header.key.issuer_id, header.key.case_no,
            )  # fmt: skip
        token = answer.next_page_token
        if not token:
            return


async def download(peer: GrpcPeer, digest: str, offset: int = 0) -> AsyncIterator[FetchedPiece]:
    """Yields the bytes of an attachment from an offset on; the caller checks the digest of the whole.

    Raises:
        Unreachable: the connection broke, or the neighbour has it not yet; try again from where it stopped.
        CallRefused, CredentialsRefused: the neighbour does not give it.
    """
    call = peer.attachments.Download(attachment.DownloadRequest(digest=digest, offset=offset))
    try:
        while True:
            async with asyncio.timeout(ANSWER_SECONDS):
                response = await call.read()
            if not isinstance(response, attachment.DownloadResponse):
                return
            chunk = response.chunk
            yield FetchedPiece(chunk.offset, chunk.data, response.size_bytes, response.media_type)
    except grpc.aio.AioRpcError as error:
        raise translated(error) from error
    except TimeoutError:
        raise Unreachable("no bytes in time") from None
    finally:
        call.cancel()


async def is_held_at(peer: GrpcPeer, digest: str) -> bool:
    """Tells whether a neighbour holds an attachment and would give it.

    Raises:
        Unreachable, CallRefused, CredentialsRefused: see there.
    """
    request = attachment.StatAttachmentsRequest(digests=[digest])
    answer = await asked(peer.attachments.StatAttachments(request, timeout=30.0))
    return [stat.state for stat in answer.stats] == [attachment.ATTACHMENT_STATE_HELD]


def _header(offer: Offer) -> attachment.UploadHeader:
    kind: Any = int(offer.kind)
    return attachment.UploadHeader(
        digest=offer.digest,
        size_bytes=offer.size_bytes,
        media_type=offer.media_type,
        kind=kind,
        key=case_pb2.CaseKey(issuer_id=offer.issuer_id, case_no=offer.case_no),
    )
