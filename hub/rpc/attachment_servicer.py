"""AttachmentService: reads offers and chunks, hands them on, answers."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, NamedTuple

import msgspec

from exchange_db.attachment_records import AttachmentKind, Offer
from exchange_db.attachments import MissingRef, Seen
from exchange_db.records import Violated
from exchange_db.regions import region_of
from hub.evidence.giving import EvidenceReader
from hub.evidence.reception import Reception, ReceptionDesk
from hub.rpc import paging
from hub.rpc.calls import principal_of
from protos.attachment.v1 import attachment_service_pb2 as attachment
from protos.attachment.v1 import attachment_service_pb2_grpc as attachment_grpc
from protos.case.v1 import case_pb2

#: A sender that is silent for so long is let go; it may come back.
IDLE_SECONDS = 60.0
MAX_DIGESTS = 500
_is_digest = re.compile(r"[0-9a-f]{64}\Z").match
_KINDS = frozenset(map(int, AttachmentKind))
_STATES: dict[str, attachment.AttachmentState.ValueType] = {
    "unknown": attachment.ATTACHMENT_STATE_UNKNOWN,
    "missing": attachment.ATTACHMENT_STATE_MISSING,
    "partial": attachment.ATTACHMENT_STATE_PARTIAL,
    "held": attachment.ATTACHMENT_STATE_HELD,
    "corrupt": attachment.ATTACHMENT_STATE_CORRUPT,
}


class RefPlace(NamedTuple):
    """Where a page of missing evidence begins: the last one shown."""

    found_time: paging.Time
    digest: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    case_id: paging.Key


class AttachmentServicer(attachment_grpc.AttachmentServiceServicer):
    """Serves the contract of evidence.

    Args:
        desk: takes bytes in.
        reader: gives bytes out.
        draining: set when the hub stops; uploads end and are taken up again later.
    """

    def __init__(self, desk: ReceptionDesk, reader: EvidenceReader, draining: asyncio.Event) -> None:
        self._desk = desk
        self._reader = reader
        self._draining = draining

    async def Upload(self, request_iterator: object, context: Any) -> None:  # type: ignore[override]
        """Takes the bytes of one attachment."""
        request = await self._next(context)
        if request is None or not request.HasField("header"):
            raise Violated("FIELD_MISSING", "header")
        reception = await self._desk.receive(principal_of(context), offer_of(request.header))
        try:
            await context.write(
                attachment.UploadResponse(opened=attachment.UploadOpened(next_offset=reception.next_offset))
            )
            await self._take(context, reception)
            taken = await reception.finish()
            verdict = attachment.UploadVerdict(
                is_duplicate=taken.is_duplicate,
                sniffed_type=taken.stored.sniffed_type,
                stored_time=taken.stored.stored_time,
            )
            await context.write(attachment.UploadResponse(verdict=verdict))
        finally:
            reception.close()

    async def _take(self, context: Any, reception: Reception) -> None:
        while not reception.is_complete:
            request = await self._next(context)
            if request is None:
                return
            if not request.HasField("chunk"):
                raise Violated("FIELD_MISSING", "chunk")
            synced = await reception.take(request.chunk.offset, request.chunk.data)
            if synced is not None:
                progress = attachment.UploadProgress(durable_offset=synced)
                await context.write(attachment.UploadResponse(progress=progress))

    async def _next(self, context: Any) -> attachment.UploadRequest | None:
        """Returns the next message, ``None`` when the sender has no more."""
        reading = asyncio.ensure_future(context.read())
        draining = asyncio.ensure_future(self._draining.wait())
        try:
            await asyncio.wait((reading, draining), timeout=IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                if self._draining.is_set():
                    raise Violated("STREAM_BUSY")
                raise Violated("UPLOAD_STALLED", value=round(IDLE_SECONDS))
            request = reading.result()
        finally:
            reading.cancel()
            draining.cancel()
        return request if isinstance(request, attachment.UploadRequest) else None

    async def Download(
        self, request: attachment.DownloadRequest, context: Any
    ) -> AsyncIterator[attachment.DownloadResponse]:
        """Gives the bytes of an attachment."""
        _require_digest(request.digest, "digest")
        stored = await self._reader.find(principal_of(context), request.digest)
        if not 0 <= request.offset <= stored.size_bytes:
            raise Violated("ARGUMENT_INVALID", "offset", f"{request.offset} > {stored.size_bytes}")
        async for piece in self._reader.pieces(stored, request.offset):
            yield attachment.DownloadResponse(
                size_bytes=stored.size_bytes,
                media_type=stored.sniffed_type,
                chunk=attachment.Chunk(offset=piece.offset, data=piece.data),
            )

    async def StatAttachments(
        self, request: attachment.StatAttachmentsRequest, context: Any
    ) -> attachment.StatAttachmentsResponse:
        """Tells where attachments stand."""
        if not 1 <= len(request.digests) <= MAX_DIGESTS:
            raise Violated("ARGUMENT_INVALID", "digests", len(request.digests))
        for digest in request.digests:
            _require_digest(digest, "digests")
        standings = await self._reader.standings(principal_of(context), list(request.digests))
        return attachment.StatAttachmentsResponse(
            stats=[
                attachment.AttachmentStat(
                    digest=standing.digest,
                    state=_STATES[standing.state],
                    durable_offset=standing.durable_offset,
                    size_bytes=standing.size_bytes,
                )
                for standing in standings
            ]
        )

    async def ListWanted(self, request: attachment.ListWantedRequest, context: Any) -> attachment.ListWantedResponse:
        """Tells what is missed from the caller."""
        size, after = paging.read_size(request.page.size), paging.read_token(request.page.token, RefPlace)
        refs = await self._reader.wanted(principal_of(context), Seen(*after) if after else Seen(), size + 1)
        response = attachment.ListWantedResponse(
            wanted=[
                attachment.WantedAttachment(header=_header_of(ref), found_time=ref.found_time) for ref in refs[:size]
            ]
        )
        if len(refs) > size:
            last = refs[size - 1]
            response.next_page_token = paging.write_token(RefPlace(last.found_time, last.digest, last.case_id))
        return response


def _header_of(ref: MissingRef) -> attachment.UploadHeader:
    kind: Any = int(ref.kind)
    return attachment.UploadHeader(
        digest=ref.digest,
        size_bytes=ref.size_bytes,
        media_type=ref.media_type,
        kind=kind,
        key=case_pb2.CaseKey(issuer_id=ref.issuer_id, case_no=ref.case_no),
    )


def offer_of(header: attachment.UploadHeader) -> Offer:
    """Reads what a sender offers.

    Raises:
        Violated: a field is missing or does not keep the contract.
    """
    _require_digest(header.digest, "header.digest")
    if header.size_bytes < 1:
        raise Violated("FIELD_MISSING" if not header.size_bytes else "FIELD_INVALID", "header.size_bytes")
    media_type = header.media_type
    if not 1 <= len(media_type) <= 100 or not media_type.isprintable():
        raise Violated("FIELD_INVALID" if media_type else "FIELD_MISSING", "header.media_type", media_type)
    if int(header.kind) not in _KINDS:
        raise Violated("FIELD_INVALID" if header.kind else "FIELD_MISSING", "header.kind", header.kind)
    issuer_id, case_no = header.key.issuer_id, header.key.case_no
    try:
        region_of(issuer_id)
    except ValueError:
        reason = "PLATFORM_ID_INVALID" if issuer_id else "FIELD_MISSING"
        raise Violated(reason, "header.key.issuer_id", issuer_id) from None
    if not 1 <= len(case_no) <= 64 or not case_no.isprintable():
        raise Violated("FIELD_INVALID" if case_no else "FIELD_MISSING", "header.key.case_no", case_no)
    return Offer(header.digest, header.size_bytes, media_type, AttachmentKind(header.kind), issuer_id, case_no)


def _require_digest(digest: str, path: str) -> None:
    if not _is_digest(digest):
        raise Violated("FIELD_INVALID" if digest else "FIELD_MISSING", path, digest)
