"""Platforms are called at their registered addresses only, and every call has an end."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from auth.assertion import UpstreamFailed
from auth.egress import MOST_BYTES, Answer, Egress


async def _serve(request: web.Request) -> web.StreamResponse:
    kind = request.match_info["kind"]
    if kind == "redirect":
        raise web.HTTPFound("/fine")
    if kind == "packed":
        return web.Response(body=gzip.compress(b"x"), headers={"Content-Encoding": "gzip"})
    if kind == "slow":
        await asyncio.sleep(30)
    if kind in {"large", "endless"}:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(64 if kind == "large" else 1_000_000):
            await response.write(b"x" * 8_192)
        return response
    return web.Response(body=b"fine")


@asynccontextmanager
async def _server() -> AsyncIterator[int]:
    application = web.Application()
    application.router.add_get("/{kind}", _serve)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _fetched(url: str, *addresses: str) -> Answer:
    egress = Egress(addresses, most_seconds=0.5)
    try:
        return await egress.fetch("GET", url)
    finally:
        await egress.close()


async def test_a_registered_address_is_called() -> None:
    async with _server() as port:
        assert (await _fetched(f"http://127.0.0.1:{port}/fine", f"127.0.0.1:{port}")).body == b"fine"
        assert (await _fetched(f"http://127.0.0.1:{port}/fine", f"127.0.0.0/8:{port}")).body == b"fine"
        assert (await _fetched(f"http://localhost:{port}/fine", f"127.0.0.1:{port}")).body == b"fine"
        assert (await _fetched(f"http://127.0.0.1:{port}/redirect", f"127.0.0.1:{port}")).status == 302


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{other}/fine",
        "http://127.0.0.2:{port}/fine",
        "http://2130706433:{port}/fine",
        "http://0x7f.1:{port}/fine",
        "http://127.1:{port}/fine",
        "http://[::ffff:127.0.0.1]:{port}/fine",
        "http://0.0.0.0:{port}/fine",
        "http://user@127.0.0.1:{port}/fine",
        "file:///etc/hostname",
        "ftp://127.0.0.1:{port}/fine",
        "http://127.0.0.1:{port}/slow",
        "http://127.0.0.1:{port}/large",
        "http://127.0.0.1:{port}/endless",
        "http://127.0.0.1:{port}/packed",
        "https://127.0.0.1:{port}/fine",
        "",
    ],
)
async def test_anything_else_is_not(url: str) -> None:
    async with _server() as port, _server() as other:
        with pytest.raises(UpstreamFailed):
            await _fetched(url.format(port=port, other=other), f"127.0.0.1:{port}")


async def test_a_name_that_leads_elsewhere_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is the address dialled, whatever a name led to when it was checked."""
    async with _server() as port:

        async def elsewhere(*_: object, **__: object) -> list[tuple[object, ...]]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.9", port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", elsewhere)
        with pytest.raises(UpstreamFailed, match="not registered"):
            await _fetched(f"http://localhost:{port}/fine", f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    "body",
    [b"[]", b"x", b"{", b'{"a":1,"a":2}', b"[" * 100_000, b'{"a":' * 20 + b"1" + b"}" * 20, b"\xff", b'"text"'],
)
def test_an_answer_that_is_no_shallow_object_is_refused(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        Answer(200, body).read_object()


def test_the_rightful_object_is_read() -> None:
    assert Answer(200, b'{"a":{"b":[1]}}').read_object() == {"a": {"b": [1]}}
    assert MOST_BYTES == 256 * 1024
