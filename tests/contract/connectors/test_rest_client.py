"""The client against hubs, and what stands between, that answer as they should not."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from auth.certificates import issue, make_authority, thumbprint, write
from connectors.errors import CallRefused, ConnectorError, CredentialsRefused, Unreachable
from connectors.transports import signing
from connectors.transports.rest import RestPeer, RestTarget
from tests.support.builders import CITY, COUNTY
from tests.support.rest import SECRET


class Stub:
    """A server in a hub's place: it gives the answer it was told to give."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b"{}"
        self.secret = SECRET
        self.nonce = ""
        self.paths: list[str] = []

    async def serve(self, request: web.Request) -> web.Response:
        """Answers a call."""
        self.paths.append(request.raw_path)
        await request.read()
        headers = {"Location": "/v1/elsewhere"}
        if self.secret:
            nonce = self.nonce or request.headers[signing.NONCE]
            text = signing.answer_text(COUNTY, self.status, "1592186400", nonce, self.body)
            headers |= {signing.TIME: "1592186400", signing.SIGN: signing.signature_of(self.secret, text)}
        return web.Response(status=self.status, body=self.body, headers=headers)


@pytest.fixture
async def stub() -> Stub:
    return Stub()


@pytest.fixture
async def target(stub: Stub, tmp_path: Path) -> AsyncIterator[RestTarget]:
    """The stub as it is dialled."""
    now = datetime.now(UTC)
    authority = make_authority("测试", now)
    write(authority, tmp_path / "authority.pem", tmp_path / "authority.key")
    issued = issue(authority, CITY, now)
    write(issued, tmp_path / "hub.pem", tmp_path / "hub.key")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "hub.pem", tmp_path / "hub.key")
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", stub.serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    address = f"127.0.0.1:{runner.addresses[0][1]}"
    yield RestTarget(COUNTY, CITY, address, thumbprint(issued.certificate), tmp_path / "authority.pem", SECRET)
    await runner.cleanup()


async def _trouble(target: RestTarget) -> ConnectorError:
    with pytest.raises(ConnectorError) as trouble:
        async with RestPeer(target) as hub:
            await hub.ask("GET", "/v1/whoami")
    return trouble.value


async def test_only_an_answer_that_is_signed_for_this_call_is_believed(stub: Stub, target: RestTarget) -> None:
    async with RestPeer(target) as hub:
        assert await hub.ask("GET", "/v1/whoami") == {}
    for secret, nonce in (("", ""), ("11" * 32, ""), (SECRET, "an-older-nonce-000000")):
        stub.secret, stub.nonce = secret, nonce
        trouble = await _trouble(target)
        assert isinstance(trouble, CredentialsRefused)
        assert trouble.reason == "CALL_SIGNATURE_INVALID"


async def test_each_status_becomes_the_error_that_says_what_to_do(stub: Stub, target: RestTarget) -> None:
    told = {"reason": "SOME_REASON", "field_path": "a.b", "message": "Wrong.\x1b[2J", "message_zh": "错误。"}
    for status, kind in (
        (400, CallRefused),
        (401, CredentialsRefused),
        (403, CredentialsRefused),
        (404, CallRefused),
        (409, CallRefused),
        (413, CallRefused),
        (429, Unreachable),
        (500, Unreachable),
        (503, Unreachable),
        (302, CallRefused),
    ):
        stub.status, stub.body = status, json.dumps(told).encode()
        trouble = await _trouble(target)
        assert type(trouble) is kind, status
        assert "错误。" in str(trouble)
        assert "\x1b" not in str(trouble)
        if isinstance(trouble, CallRefused):
            assert trouble.violations[0][0] == "a.b"
        if not isinstance(trouble, Unreachable):
            assert trouble.reason == "SOME_REASON"
    assert all(path == "/v1/whoami" for path in stub.paths), "a redirection is not followed: it was not signed"


async def test_what_is_no_answer_of_a_hub_means_try_again(stub: Stub, target: RestTarget) -> None:
    for status, body in ((502, b"<html>Bad gateway</html>"), (200, b"<html>Log in</html>"), (200, b"[]"), (200, b"")):
        stub.status, stub.body = status, body
        assert isinstance(await _trouble(target), Unreachable)
    for body in (b"{}", b'{"parcels": 3}', b'{"parcels": [7], "first_sequence": "1", "waiting_count": "0"}'):
        stub.status, stub.body = 200, body
        async with RestPeer(target) as hub:
            with pytest.raises(Unreachable):
                await anext(hub.pull(0, stop_when_empty=True))
    stub.body = b"{}"
    with pytest.raises(Unreachable):
        async with RestPeer(target) as hub, hub.push("a"):
            pass


async def test_a_certificate_of_another_authority_is_refused_even_if_it_is_the_one_pinned(
    target: RestTarget, tmp_path: Path
) -> None:
    write(make_authority("别处", datetime.now(UTC)), tmp_path / "other.pem", tmp_path / "other.key")
    for wrong in ({"authority": tmp_path / "other.pem"}, {"thumbprint": "00"}, {"thumbprint": "指纹"}):
        trouble = await _trouble(target._replace(**wrong))
        assert isinstance(trouble, CredentialsRefused)
        assert trouble.reason == "CERTIFICATE_UNKNOWN"


async def test_either_of_two_pinned_certificates_may_be_shown(target: RestTarget) -> None:
    shown, other = target.thumbprint, "0" * 64
    for first, second in ((shown, ""), (shown, other), (other, shown)):
        async with RestPeer(target._replace(thumbprint=first, second_thumbprint=second)) as hub:
            assert await hub.ask("GET", "/v1/whoami") == {}
    for first, second in ((other, ""), (other, "1" * 64), (shown, "指纹")):
        trouble = await _trouble(target._replace(thumbprint=first, second_thumbprint=second))
        assert isinstance(trouble, CredentialsRefused)
        assert trouble.reason == "CERTIFICATE_UNKNOWN"


async def test_a_stream_name_with_a_colon_is_signed_as_it_is_sent(stub: Stub, target: RestTarget) -> None:
    stub.body = b'{"next_sequence": "1"}'
    async with RestPeer(target) as hub, hub.push("a:b.c_d-e") as pushing:
        assert pushing.next_sequence == 1
    assert stub.paths == ["/v1/receipts?stream=a:b.c_d-e&after=0"]


async def test_a_hub_that_falls_silent_is_given_up(target: RestTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    import aiohttp

    monkeypatch.setattr("connectors.transports.rest._TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert isinstance(await _trouble(target._replace(address=f"127.0.0.1:{port}")), Unreachable)
