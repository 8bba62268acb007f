"""Staging several hubs on one machine: keys, settings, databases, real processes, joined by real invitations.

One embedded PostgreSQL holds a database for each hub. Everything lies in one folder and can be looked at. Called by
``sanji demo``, the end-to-end tests and ``bench``.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auth.batch_keys import Algorithm, SigningKey
from auth.certificates import Certified, issue, make_authority, write
from auth.key_cards import write_card
from connectors.county.profile import Profile, read_profile
from exchange_db import migrate, seals
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger
from hub.federation.enrolment import accept_as_hub, accept_as_platform, announce, write_invitation
from hub.federation.signing_cards import card_beside
from hub.settings import Settings, read_settings

_START_SECONDS = 180.0
#: A stage shows what a test did; nothing goes over its links by itself.
_NO_CANARIES = "[health]\ncanary_seconds = 0\n\n"
#: Both sides of a stage are one hand: nobody is there to compare thumbprints.
NOBODY_WAITS = "[joining]\nneeds_confirmation = false\n\n"
_TEMPLATE = "stage_template"
_KEY_LIFE = timedelta(days=300)


class StagedHub:
    """One hub: its settings file and, while it runs, its processes by role list."""

    def __init__(self, folder: Path, settings_file: Path, url: str, port: int) -> None:
        self.folder = folder
        self.settings_file = settings_file
        self.url = url
        self.port = port
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def settings(self) -> Settings:
        """The settings as the hub reads them."""
        return read_settings(self.settings_file)

    @property
    def address(self) -> str:
        """Where the hub can be dialled."""
        return f"127.0.0.1:{self.port}"

    def start(self, roles: str = "", twin: str = "") -> None:
        """Starts a process with all roles, or with those named; ``twin`` tells several of the same roles apart."""
        command = [sys.executable, "-m", "hub", "serve", "--config", str(self.settings_file)]
        if roles:
            command += ["--roles", roles]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SANJI_")}
        environment["SANJI_HUB__INSTANCE"] = f"stage-{roles or 'all'}{twin}"
        with self.log_of(roles, twin).open("ab") as log:
            self.processes[roles + twin] = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603

    def log_of(self, roles: str = "", twin: str = "") -> Path:
        """Returns where a process writes what it says."""
        return self.folder / f"{roles.replace(',', '-') or 'hub'}{twin}.log"

    def kill(self, roles: str = "") -> None:
        """Ends a process at once, as a power cut would (SIGKILL)."""
        process = self.processes.pop(roles)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Asks every process to drain and waits for it."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    async def wait_until_open(self) -> None:
        """Returns when the hub's port answers.

        Raises:
            RuntimeError: it ended, or does not answer in time; the message ends with its log.
        """
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if any(process.poll() is not None for process in self.processes.values()):
                break
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
        logs = "\n".join(log.read_text(errors="replace")[-2_000:] for log in self.folder.glob("*.log"))
        raise RuntimeError(f"hub {self.folder.name} did not start:\n{logs}")


class Stage:
    """A folder with an authority, an embedded server, hubs and platforms.

    Args:
        folder: where everything lies; made when missing.
        server: the embedded server to use; by default one in the folder.
    """

    def __init__(self, folder: Path, server: EmbeddedServer | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.server = server or EmbeddedServer(folder / "postgres" / "data")
        self._owns_server = server is None
        self.hubs: dict[str, StagedHub] = {}
        self._authority: Certified | None = None

    async def open(self) -> None:
        """Starts the embedded server and makes the authority."""
        if self._owns_server:
            await asyncio.to_thread(self.server.start)
        self._authority = make_authority("演示机构 demonstration authority", datetime.now(UTC))
        write(self._authority, self.folder / "authority.pem", self.folder / "authority.key")

    def close(self) -> None:
        """Stops every hub and the embedded server."""
        for hub in self.hubs.values():
            hub.stop()
        if self._owns_server:
            self.server.stop()

    async def add_hub(self, hub_id: str, name: str, extra: str = "", *, is_dialled: bool = True) -> StagedHub:
        """Makes a hub's keys, settings and database; does not start it.

        Args:
            hub_id: name of the hub.
            name: name for people.
            extra: more settings, as TOML.
            is_dialled: whether neighbours can dial it; if not, it fetches.
        """
        folder = self.folder / hub_id
        folder.mkdir()
        self._certify(hub_id, folder)
        url = await asyncio.to_thread(self._database, f"{self.folder.name}_{hub_id}".replace(".", "_"))
        port, console_port = free_port(), free_port()
        settings_file = folder / "sanji.toml"
        public = f'public_address = "127.0.0.1:{port}"\n' if is_dialled else ""
        settings_file.write_text(
            f'[hub]\nid = "{hub_id}"\nname = "{name}"\n\n[database]\nurl = "{url}"\n\n'
            f'[listen]\nhost = "127.0.0.1"\nport = {port}\n{public}\n'
            f'[tls]\nauthority = "../authority.pem"\ncertificate = "{hub_id}.pem"\nkey = "{hub_id}.key"\n\n'
            f"[console]\nport = {console_port}\nopen_on_loopback = true\n\n[approvals]\nrequired = []\n\n"
            f"{'' if '[joining]' in extra else NOBODY_WAITS}{'' if '[health]' in extra else _NO_CANARIES}{extra}",
            encoding="utf-8",
        )
        self.hubs[hub_id] = StagedHub(folder, settings_file, url, port)
        return self.hubs[hub_id]

    def _database(self, name: str) -> str:
        """Makes a ledger as a copy of one that was made once on this server; returns its URL."""
        migrate.upgrade(self.server.ensure_database(_TEMPLATE))
        url = self.server.ensure_database(name, _TEMPLATE)
        # A ledger of an earlier demonstration may lie there.
        migrate.upgrade(url)
        return url

    async def join(self, parent: StagedHub, child: StagedHub) -> None:
        """Joins two hubs; the upper one must be running."""
        async with Ledger(parent.url, pool_size=0) as above, Ledger(child.url, pool_size=0) as below:
            letter = await write_invitation(
                above,
                parent.settings,
                peer_id=child.settings.hub.id,
                kind="hub",
                relation="child",
                address=parent.address,
            )
            await accept_as_hub(below, child.settings, letter)

    def add_signing_key(self, hub: StagedHub, algorithm: Algorithm) -> None:
        """Makes the key a hub signs batches with, and its card; the hub's settings name ``batch.key``."""
        hub_id, now, path = hub.folder.name, datetime.now(UTC), hub.folder / "batch.key"
        certificate, certificate_key = (hub.folder / f"{hub_id}.{ending}" for ending in ("pem", "key"))
        key, end = SigningKey.generate(algorithm), now + _KEY_LIFE
        key.write(path)
        card = write_card(hub_id, key.public, now, end, now, certificate.read_bytes(), certificate_key.read_bytes())
        card_beside(path).write_bytes(card)

    async def require_signed(self, receiver: StagedHub, sender: StagedHub, *algorithms: Algorithm) -> None:
        """Has a hub take only signed batches from another."""
        async with Ledger(receiver.url, pool_size=0) as ledger:
            async with ledger.write() as session:
                await seals.require(session, sender.folder.name, algorithms)
            await announce(ledger)

    async def add_platform(self, hub: StagedHub, platform_id: str) -> Profile:
        """Joins a platform to a running hub; returns the profile its client uses."""
        folder = self.folder / platform_id
        folder.mkdir(exist_ok=True)
        self._certify(platform_id, folder)
        async with Ledger(hub.url, pool_size=0) as ledger:
            letter = await write_invitation(
                ledger, hub.settings, peer_id=platform_id, kind="platform", relation="child", address=hub.address
            )
        certificate, key = folder / f"{platform_id}.pem", folder / f"{platform_id}.key"
        await accept_as_platform(letter, folder, certificate, key)
        return read_profile(folder)

    def _certify(self, name: str, folder: Path) -> None:
        assert self._authority is not None  # noqa: S101 — open() comes first
        write(issue(self._authority, name, datetime.now(UTC)), folder / f"{name}.pem", folder / f"{name}.key")


def free_port() -> int:
    """Returns a port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
