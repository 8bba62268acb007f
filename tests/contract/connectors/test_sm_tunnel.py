"""The tunnel of SM TLS 1.3: SM2 certificates on both sides, gRPC inside, and who is not welcome."""

import asyncio
import hashlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from connectors.transports.sm_tunnel import SUITE, Tunnel, TunnelEnd, TunnelRefused, open_context

pytest.importorskip("OpenSSL", reason="the extra sm-tls is not installed")
ID = "distid:1234567812345678"
NAME = "URI:spiffe://sanji/431200.hub"


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run([shutil.which("openssl") or "openssl", *words], check=True, capture_output=True, cwd=folder)


def _authority(folder: Path, name: str) -> None:
    _openssl(folder, "genpkey", "-algorithm", "SM2", "-out", f"{name}.key")
    _openssl(
        folder, "req", "-x509", "-new", "-key", f"{name}.key", "-sm3", "-sigopt", ID, "-subj", f"/CN={name}",
        "-days", "30", "-addext", "keyUsage=critical,keyCertSign", "-out", f"{name}.pem",
    )  # fmt: skip


def _certified(folder: Path, name: str, authority: str) -> TunnelEnd:
    _openssl(folder, "genpkey", "-algorithm", "SM2", "-out", f"{name}.key")
    _openssl(
        folder, "req", "-new", "-key", f"{name}.key", "-sm3", "-sigopt", ID, "-subj", f"/CN={name}",
        "-addext", f"subjectAltName={NAME}", "-out", f"{name}.csr",
    )  # fmt: skip
    _openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
        "-CAcreateserial", "-sm3", "-sigopt", ID, "-vfyopt", ID, "-copy_extensions", "copy", "-days", "30",
        "-out", f"{name}.pem",
    )  # fmt: skip
    return TunnelEnd(folder / f"{name}.pem", folder / f"{name}.key", folder / f"{authority}.pem")


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TunnelEnd]:
    folder = tmp_path_factory.mktemp("sm")
    _authority(folder, "authority")
    _authority(folder, "stranger")
    return {
        "above": _certified(folder, "above", "authority"),
        "below": _certified(folder, "below", "authority"),
        "foreign": _certified(folder, "foreign", "stranger")._replace(authority=folder / "authority.pem"),
    }


def _pin(end: TunnelEnd) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(end.certificate.read_text())).hexdigest()


@asynccontextmanager
async def _echo() -> AsyncIterator[int]:
    """A gRPC server that answers what it is asked."""

    class Echo(grpc.GenericRpcHandler):
        def service(self, handler_call_details: Any) -> Any:
            async def answer(request: bytes, _: Any) -> bytes:
                return request[::-1]

            return grpc.unary_unary_rpc_method_handler(answer)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


@asynccontextmanager
async def _tunnelled(above: TunnelEnd, below: TunnelEnd) -> AsyncIterator[int]:
    """Yields the port that leads through a tunnel to the echo."""
    async with _echo() as port:
        upper = await Tunnel(above, ("127.0.0.1", port), is_dialling=False).listen("127.0.0.1", 0)
        between = upper.sockets[0].getsockname()[1]
        lower = await Tunnel(below, ("127.0.0.1", between), is_dialling=True).listen("127.0.0.1", 0)
        try:
            yield lower.sockets[0].getsockname()[1]
        finally:
            lower.close()
            upper.close()


async def _ask(port: int, content: bytes) -> bytes:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_retries", 0)]) as channel:
        call: Any = channel.unary_unary("/x/y")
        return bytes(await call(content, timeout=10))


async def test_grpc_goes_through_with_sm2_on_both_sides(ends: dict[str, TunnelEnd]) -> None:
    above = ends["above"]._replace(pins=frozenset({_pin(ends["below"])}))
    below = ends["below"]._replace(pins=frozenset({_pin(ends["above"])}))
    async with _tunnelled(above, below) as port:
        for content in (b"case", bytes(range(256)) * 4_000):
            assert await _ask(port, content) == content[::-1]
        answers = await asyncio.gather(*(_ask(port, str(number).encode()) for number in range(8)))
        assert answers == [str(number).encode()[::-1] for number in range(8)]


@pytest.mark.parametrize("who", ["foreign below", "foreign above", "another pin"])
async def test_who_is_not_welcome_gets_nothing_through(ends: dict[str, TunnelEnd], who: str) -> None:
    above, below = ends["above"], ends["below"]
    async with _tunnelled(above, below) as port:
        assert await _ask(port, b"ab") == b"ba"
    if who == "foreign below":
        below = ends["foreign"]
    elif who == "foreign above":
        above = ends["foreign"]
    else:
        above = above._replace(pins=frozenset({_pin(ends["above"])}))
    async with _tunnelled(above, below) as port:
        with pytest.raises(grpc.aio.AioRpcError):
            await _ask(port, b"ab")


async def test_plain_and_international_clients_are_refused(ends: dict[str, TunnelEnd]) -> None:
    async with _echo() as port:
        server = await Tunnel(ends["above"], ("127.0.0.1", port), is_dialling=False).listen("127.0.0.1", 0)
        between = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", between)
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        await reader.read(1_000)
        assert reader.at_eof() or await reader.read() == b""
        writer.transport.abort()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", between, ssl=context)
        server.close()


def test_the_suite_is_the_national_one_and_what_cannot_be_used_is_said(ends: dict[str, TunnelEnd]) -> None:
    from OpenSSL import SSL

    context, other = open_context(ends["above"]), open_context(ends["below"])
    server, client = SSL.Connection(context, None), SSL.Connection(other, None)
    server.set_accept_state()
    client.set_connect_state()
    for _ in range(6):
        for one, two in ((client, server), (server, client)):
            with suppress(SSL.WantReadError):
                one.do_handshake()
            with suppress(SSL.WantReadError):
                two.bio_write(one.bio_read(65_536))
    assert client.get_cipher_name() == SUITE.decode()
    assert client.get_protocol_version_name() == "TLSv1.3"
    with pytest.raises(TunnelRefused, match="cannot be used"):
        open_context(ends["above"]._replace(key=ends["below"].key))
