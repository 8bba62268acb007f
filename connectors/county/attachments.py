"""Handing evidence in from a county: what a case names is uploaded in the background, through every break.

``CountyClient`` uses ``AttachmentSender`` beside its pusher; ``sanji attachments send`` uses ``send_file``. Whoever was
given a case fetches its evidence with ``fetch_file``.
"""

import asyncio
import hashlib
import logging
import mimetypes
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from connectors.county.attachment_spool import AttachmentSpool, Waiting
from connectors.county.pusher import Listener, pause_seconds
from connectors.errors import CallRefused, ConnectorError, CredentialsRefused, Unreachable
from connectors.transports.attachment_calls import Delivered, Progress, download, file_source, upload
from connectors.transports.grpc_peer import GrpcPeer, Target
from exchange_db.attachment_records import AttachmentRef, Offer
from exchange_db.records import Case, Violated

logger = logging.getLogger(__name__)

_PIECE = 1024 * 1024
_REFUSED_PAUSE_SECONDS = 30.0
#: Refusals of one attachment that come in the form of a refusal of ourselves.
REFUSED_FOR_THE_CASE = ("ORIGIN_FORBIDDEN", "REGION_FORBIDDEN")
#: Types the system's own table may not know.
_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".heic": "image/heic",
    ".mp4": "video/mp4",
    ".3gp": "video/3gpp",
    ".mov": "video/quicktime",
    ".avi": "video/avi",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".amr": "audio/amr",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
}


class DownloadDamaged(ConnectorError):
    """What was fetched has not the digest that was asked for; it was thrown away. Fetch it again."""

    reason = "ATTACHMENT_DIGEST_MISMATCH"


def type_of(path: Path) -> str:
    """Returns the type a file's name tells.

    Raises:
        Violated: FIELD_MISSING, the name tells none.
    """
    found = _TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0]
    if not found:
        raise Violated("FIELD_MISSING", "media_type", path.suffix)
    return found


def digest_of(path: Path) -> tuple[str, int]:
    """Returns the SHA-256 of a file, in hex, and its size. Blocks."""
    hashing, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            hashing.update(piece)
            size += len(piece)
    return hashing.hexdigest(), size


def offers_of(case: Case) -> list[Offer]:
    """Returns what has to be handed in for a case."""
    return [_offer(case, ref) for ref in case.attachments]


def _offer(case: Case, ref: AttachmentRef) -> Offer:
    return Offer(ref.digest, ref.size_bytes, ref.media_type, ref.kind, case.issuer_id, case.case_no)


async def send_file(target: Target, offer: Offer, path: Path, told: Progress | None = None) -> Delivered:
    """Sends one file once, from where an earlier try stopped.

    Raises:
        Unreachable, CallRefused, CredentialsRefused: see there.
        OSError: the file cannot be read.
    """
    async with GrpcPeer(target) as hub:
        return await upload(hub, offer, file_source(path), told)


async def fetch_file(target: Target, digest: str, path: Path) -> None:
    """Fetches an attachment into a file, going on with what an earlier try left beside it.

    Args:
        target: the hub.
        digest: SHA-256 of the bytes, 64 hex digits.
        path: where it is to be; written whole or not at all.

    Raises:
        DownloadDamaged: the bytes are not what was asked for.
        Unreachable, CallRefused, CredentialsRefused: see there.
        OSError: the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    offset = part.stat().st_size if part.exists() else 0
    found = await _fetch(target, digest, part, offset)
    if found != digest and offset:
        # What lay there was of something else, or of a copy that has been mended since.
        part.unlink()
        found = await _fetch(target, digest, part, 0)
    if found != digest:
        part.unlink()
        raise DownloadDamaged(f"{target.address}: {found} ≠ {digest}")
    part.replace(path)


async def _fetch(target: Target, digest: str, part: Path, offset: int) -> str:
    """Appends what is missing to a file and returns the digest of the whole."""
    async with GrpcPeer(target) as hub:
        with part.open("ab") as file:
            async for piece in download(hub, digest, offset):
                await asyncio.to_thread(file.write, piece.data)
            file.flush()
            os.fsync(file.fileno())
    return (await asyncio.to_thread(digest_of, part))[0]


class AttachmentSender:
    """Sends what is on a list, one after the other.

    Args:
        target: the hub.
        spool: the list and the files.
        listener: told of trouble and its end.
    """

    def __init__(self, target: Target, spool: AttachmentSpool, listener: Listener) -> None:
        self._target = target
        self._spool = spool
        self._listener = listener
        self._has_more = asyncio.Event()
        self._is_changed = asyncio.Event()

    def wake(self) -> None:
        """Says that there is more on the list."""
        self._has_more.set()

    def changed(self) -> Coroutine[Any, Any, Any]:
        """To be awaited: returns when something was delivered or refused since this call, or went wrong."""
        return self._is_changed.wait()

    async def run(self) -> None:
        """Sends until cancelled."""
        failure_count = 0
        while True:
            self._has_more.clear()
            if self._spool.next() is None:
                await self._has_more.wait()
                continue
            try:
                async with GrpcPeer(self._target) as hub:
                    while (waiting := self._spool.next()) is not None:
                        await self._send(hub, waiting)
                        self._listener(None, 0.0)
                        failure_count = 0
                        self._tell()
            except (ConnectorError, OSError) as error:
                known = error if isinstance(error, ConnectorError) else Unreachable(str(error))
                seconds = (
                    _REFUSED_PAUSE_SECONDS if isinstance(known, CredentialsRefused) else pause_seconds(failure_count)
                )
                self._listener(known, seconds)
                failure_count += 1
                self._tell()
                await asyncio.sleep(seconds)

    async def _send(self, hub: GrpcPeer, waiting: Waiting) -> None:
        path = self._spool.path_of(waiting.offer.digest)
        if not path.exists():
            text = "文件副本已不在，请重新附上。 / The copy is gone; attach the file again."
            self._spool.refuse(waiting, "FILE_GONE", text)
            return
        try:
            await upload(hub, waiting.offer, file_source(path))
        except CredentialsRefused as error:
            if error.reason not in REFUSED_FOR_THE_CASE:
                raise
            self._spool.refuse(waiting, error.reason, str(error))
        except CallRefused as error:
            self._spool.refuse(waiting, error.reason, str(error))
        else:
            self._spool.finish(waiting)

    def _tell(self) -> None:
        changed, self._is_changed = self._is_changed, asyncio.Event()
        changed.set()
