"""Reading the body of a call: never more than the limit, neither on the wire nor unpacked."""

import asyncio
import zlib

from aiohttp import web

from exchange_db.records import Violated

#: Bytes on the wire, and after unpacking.
MAX_WIRE_BYTES, MAX_BYTES = 4 * 1024 * 1024, 8 * 1024 * 1024
_READ_SECONDS = 30.0
_GZIP = 16 + zlib.MAX_WBITS


async def read_wire(request: web.Request) -> bytes:
    """Returns the body as it was sent.

    Raises:
        Violated: BODY_TOO_LARGE, or BODY_UNREADABLE when it does not come within half a minute.
    """
    if (request.content_length or 0) > MAX_WIRE_BYTES:
        raise Violated("BODY_TOO_LARGE", value=MAX_WIRE_BYTES)
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_WIRE_BYTES:
                    raise Violated("BODY_TOO_LARGE", value=MAX_WIRE_BYTES)
    except (TimeoutError, web.RequestPayloadError):
        raise Violated("BODY_UNREADABLE", value="HTTP") from None
    return bytes(body)


def unpacked(body: bytes, encoding: str) -> bytes:
    """Returns a body as it was before it was compressed.

    Args:
        body: the bytes on the wire.
        encoding: ``Content-Encoding``: empty, ``identity`` or ``gzip``.

    Raises:
        Violated: BODY_TOO_LARGE, BODY_UNREADABLE.
    """
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise Violated("BODY_UNREADABLE", value=encoding)
    unpacking = zlib.decompressobj(_GZIP)
    try:
        plain = unpacking.decompress(body, MAX_BYTES + 1)
    except zlib.error:
        raise Violated("BODY_UNREADABLE", value="gzip") from None
    if len(plain) > MAX_BYTES:
        raise Violated("BODY_TOO_LARGE", value=MAX_BYTES)
    if not unpacking.eof or unpacking.unused_data:
        raise Violated("BODY_UNREADABLE", value="gzip")
    return plain
