"""Where verified bytes are kept, each once, under their digest: a local folder, or a bucket with the S3 interface.

Nothing is ever changed in the store. Called by ``hub.evidence`` alone.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, S3Store

from hub.evidence.errors import NotStored, StoreUnavailable
from hub.sections.evidence import EvidencePart

#: Bytes of one piece read from the store.
PIECE = 1024 * 1024
#: Bytes of one part sent to a bucket, and parts under way at once: what a promotion takes of memory, about.
_PART = 8 * 1024 * 1024
_PARTS_AT_ONCE = 2


class EvidenceStore:
    """The store. It is opened when it is first used, so a hub whose store is not there yet does all its other work.

    Args:
        part: the settings that name it.
    """

    def __init__(self, part: EvidencePart) -> None:
        self._part = part
        self._opened: Any = None

    async def put(self, digest: str, path: Path) -> None:
        """Puts a verified file into the store; on return it survives a loss of power.

        Raises:
            StoreUnavailable: it could not be written; nothing is in the store under this digest that was not before.
        """
        name = name_of(digest)
        try:
            store = await self._open()
            await obstore.put_async(store, name, path, chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE)
            if not self._part.s3_bucket:
                # obstore leaves this to the system.
                await asyncio.to_thread(_sync, self._part.folder / name)
        except (BaseError, OSError) as error:
            raise StoreUnavailable(str(error)) from error

    async def pieces(self, digest: str) -> AsyncIterator[bytes]:
        """Yields the bytes in pieces of at most 1 MiB, as they are; checking them is the caller's work.

        Raises:
            NotStored: there is no such object.
            StoreUnavailable: the store does not answer.
        """
        try:
            found = await obstore.get_async(await self._open(), name_of(digest))
            async for piece in found.stream(min_chunk_size=PIECE):
                whole = bytes(piece)
                for start in range(0, len(whole), PIECE):
                    yield whole[start : start + PIECE]
        except (NotFoundError, FileNotFoundError) as error:
            raise NotStored(digest) from error
        except (BaseError, OSError) as error:
            raise StoreUnavailable(str(error)) from error

    async def _open(self) -> Any:
        if self._opened is None:
            self._opened = await asyncio.to_thread(_bucket if self._part.s3_bucket else _folder, self._part)
        return self._opened


def name_of(digest: str) -> str:
    """Returns the name of an object; the first digits are folders, so that none grows too large."""
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def _folder(part: EvidencePart) -> LocalStore:
    try:
        part.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        # Not "not found", which would say that an object is not there.
        raise StoreUnavailable(str(error)) from error
    return LocalStore(part.folder)


def _bucket(part: EvidencePart) -> S3Store:
    named: dict[str, Any] = {"region": part.s3_region, "virtual_hosted_style_request": False}
    if part.s3_endpoint:
        named["endpoint"] = part.s3_endpoint
    if part.s3_access_key is not None:
        named["access_key_id"] = part.s3_access_key.get_secret_value()
    if part.s3_secret_key is not None:
        named["secret_access_key"] = part.s3_secret_key.get_secret_value()
    options: Any = {"allow_http": part.s3_endpoint.startswith("http://"), "timeout": "30s"}
    return S3Store(part.s3_bucket, client_options=options, **named)


def _sync(path: Path) -> None:
    """Makes a file and the folders that name it survive a loss of power."""
    for place in (path, path.parent, path.parent.parent, path.parent.parent.parent):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
