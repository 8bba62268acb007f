"""Servers of others that people sign on at, started by tests as processes of their own and stopped again."""

import asyncio
import json
import os
import re
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from aiohttp import ClientResponse, ClientSession, ClientTimeout

from hub.demo.staging import free_port
from tests.support.sources import ROOT

PEERS = ROOT / ".peers"
PINS = ROOT / "tests" / "peers"
_PYTHON = PEERS / "python" / "bin" / "python"
_START_SECONDS = 30.0


def need_node() -> None:
    """Skips the test where the packages of npm are not installed."""
    if not (PEERS / "node_modules" / "oidc-provider").exists():
        pytest.skip("needs tests/support/install_peers.sh (npm)")


def need_django() -> None:
    """Skips the test where the packages of Python are not installed."""
    if not (PEERS / "requirements.txt").exists():
        pytest.skip("needs tests/support/install_peers.sh (Python)")


def need_scim_tester() -> None:
    """Skips the test where scim2-tester is not installed."""
    if not list(PEERS.glob("python/lib/python*/site-packages/scim2_tester")):
        pytest.skip("needs tests/support/install_peers.sh (Python)")


@asynccontextmanager
async def openid_provider(folder: Path, **config: Any) -> AsyncIterator[str]:
    """Runs oidc-provider and yields its issuer.

    Args:
        folder: for its configuration.
        config: ``clients`` and ``users``, as ``tests/peers/op.mjs`` takes them, and ``authority``, the PEM file of
            those it tells of sign-offs.
    """
    need_node()
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    file = folder / f"op-{port}.json"
    file.write_text(json.dumps({"issuer": issuer, "port": port, "users": {}, **config}), encoding="utf-8")
    command = ["node", "--no-warnings", str(PINS / "op.mjs"), str(file)]
    environment = {"NODE_EXTRA_CA_CERTS": str(config.get("authority", ""))}
    with _running(command, PEERS, folder / f"op-{port}.log", environment):
        await _answering(f"{issuer}/.well-known/openid-configuration", folder / f"op-{port}.log")
        yield issuer


@asynccontextmanager
async def cas_server(folder: Path, services: list[str], **config: Any) -> AsyncIterator[str]:
    """Runs django-cas-server and yields its base address.

    Args:
        folder: for its database and configuration.
        services: the addresses it gives tickets for; a query may follow them.
        config: ``user``, ``password``, ``attributes``, and ``authority``, the PEM file of those it posts logouts to.
    """
    need_django()
    port = free_port()
    file = folder / f"cas-{port}.json"
    database = str(folder / f"cas-{port}.sqlite3")
    file.write_text(json.dumps({"database": database, "services": services, **config}), encoding="utf-8")
    environment = {
        "SANJI_CAS_CONFIG": str(file),
        "DJANGO_SETTINGS_MODULE": "cas_site",
        "PYTHONPATH": str(PINS),
        "PYTHONDONTWRITEBYTECODE": "1",
        "REQUESTS_CA_BUNDLE": str(config.get("authority", "")),
    }
    log = folder / f"cas-{port}.log"
    made = await asyncio.to_thread(
        subprocess.run,
        [str(_PYTHON), str(PINS / "cas_services.py")],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=240,
    )
    assert made.returncode == 0, made.stderr.decode()
    command = [str(_PYTHON), "-m", "django", "runserver", "--noreload", "--insecure", f"127.0.0.1:{port}"]
    with _running(command, folder, log, environment):
        await _answering(f"http://127.0.0.1:{port}/cas/login", log)
        yield f"http://127.0.0.1:{port}/cas"


class Surfer:
    """A browser of a few lines: cookies, forms, no scripts; follows nothing by itself.

    Args:
        session: carries the cookies.
        tls: how servers with TLS are trusted.
    """

    def __init__(self, session: ClientSession, tls: ssl.SSLContext | None = None) -> None:
        self.session = session
        self.tls = tls
        self.seen: list[str] = []

    async def get(self, url: str) -> ClientResponse:
        """Fetches a page and follows redirects one by one, noting each address."""
        for _ in range(20):
            response = await self._request("GET", url)
            self.seen.append(url)
            if response.status not in (301, 302, 303, 307):
                return response
            url = urljoin(url, response.headers["Location"])
        raise AssertionError(f"no end of redirects: {self.seen[-3:]}")

    async def post(self, url: str, fields: dict[str, str]) -> ClientResponse:
        """Posts a form as a browser does, and follows."""
        origin = "/".join(url.split("/")[:3])
        response = await self._request("POST", url, data=fields, headers={"Origin": origin, "Referer": url})
        if response.status in (301, 302, 303):
            return await self.get(urljoin(url, response.headers["Location"]))
        return response

    async def submit(self, page: ClientResponse, fields: dict[str, str], *, form: int = 0) -> ClientResponse:
        """Fills a form of a page and posts it."""
        text = await page.text()
        forms = re.findall(r"<form\b([^>]*)>(.*?)</form>", text, re.DOTALL)
        assert forms, text
        attributes, inside = forms[form]
        action = re.search(r'action="([^"]*)"', attributes)
        values = {}
        for tag in re.findall(r"<input\b[^>]*>", inside):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name:
                values[unescape(name[1])] = unescape(value[1]) if value else ""
        where = urljoin(str(page.url), unescape(action[1])) if action and action[1] else str(page.url)
        return await self.post(where, {**values, **fields})

    async def _request(self, method: str, url: str, **options: Any) -> ClientResponse:
        async with self.session.request(
            method, url, allow_redirects=False, ssl=self.tls or True, **options
        ) as response:
            await response.read()
            return response


async def sign_on_at_provider(surfer: Surfer, page: ClientResponse, login: str) -> ClientResponse:
    """Fills the forms of oidc-provider: who one is, and that one agrees."""
    for _ in range(4):
        text = await page.text()
        if 'name="login"' in text:
            page = await surfer.submit(page, {"login": login, "password": "any"})
        elif 'name="prompt"' in text and "consent" in text:
            page = await surfer.submit(page, {})
        else:
            break
    return page


@contextmanager
def _running(command: list[str], folder: Path, log: Path, environment: dict[str, str]) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdin is not None
        process.stdin.close()


async def _answering(url: str, log: Path) -> None:
    """Waits until a server answers."""
    async with ClientSession(timeout=ClientTimeout(total=2)) as session:
        for _ in range(int(_START_SECONDS * 10)):
            try:
                async with session.get(url) as response:
                    if response.status < 500:
                        return
            except (OSError, TimeoutError):
                pass
            await asyncio.sleep(0.1)
    raise AssertionError(f"{url} does not answer: {log.read_text(encoding='utf-8')[-2_000:]}")
