"""Operations on the ledger as a whole that take two people: restoring beside it, its tables, deleting what is over."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from auth.approvals import Operation
from exchange_db import migrate
from exchange_db.records import Violated
from exchange_db.session import Ledger, driver_url
from hub.approvals.operations import Arguments, Runnable, Step
from hub.backup.cipher import KeyUnusable, SealBroken, read_private_key
from hub.backup.desk import mark_restored
from hub.backup.expiring import Expiry
from hub.backup.manifest import ManifestInvalid
from hub.backup.restoring import Kept, restore_ledger, take
from hub.clock import Clock
from hub.recording import actor, told
from hub.settings import Settings

#: The revision proposals came with: tables are not taken back behind it, or the proposal would be gone.
_FIRST_REVISION = "0022"


class RestoreBeside:
    """Restoring a backup into a database of its own beside the ledger; whoever runs the hub then names that one.

    The object is the backup's id; ``key`` names the recovery key's file on this machine, ``passphrase`` the file with
    its passphrase.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._settings = settings
        self._clock = clock

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Says what would be restored, and where."""
        manifest = (await asyncio.to_thread(self._taken, name, arguments)).manifest
        count = manifest.contents.counts["cases"]
        return [
            f"{name}: {manifest.made_at.isoformat()}, {count} 件案件 / cases → {self._database(name)}",
            f"position {manifest.contents.position}, schema {manifest.contents.schema}",
        ]

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Restores and marks it."""
        kept = await asyncio.to_thread(self._taken, name, arguments)
        await step(0, 1)
        database = self._database(name)
        async with told(self._ledger, "database.restore", database, detail={"backup": name}):
            url = await asyncio.to_thread(self._restore, kept, database)
            now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
            await mark_restored(url, kept.manifest, self._settings, actor(), now)
        await step(1, 1)
        return f"已恢复到数据库 {database}：停止枢纽，改用此库，再执行 sanji restore catch-up / restored beside"

    def _taken(self, name: str, arguments: Arguments) -> Kept:
        folder = self._settings.backup.folder
        if arguments.keys() - {"key", "passphrase"} or "key" not in arguments:
            raise Violated("ARGUMENT_INVALID", "arguments", "key, passphrase")
        if folder is None or "/" in name or not name.strip("."):
            raise Violated("ARGUMENT_INVALID", "object", name)
        try:
            secret = arguments.get("passphrase")
            passphrase = Path(str(secret)).read_bytes().strip() if secret else b""
            key = read_private_key(Path(str(arguments["key"])), passphrase)
            return take(folder / name, self._settings.tls.authority.read_bytes(), key, self._settings.hub.id)
        except (KeyUnusable, ManifestInvalid, OSError) as error:
            raise Violated("ARGUMENT_INVALID", "object", f"{name}: {error}") from None

    def _restore(self, kept: Kept, database: str) -> str:
        with psycopg.connect(driver_url(self._ledger.url), autocommit=True) as connection:
            connection.execute(
                sql.SQL(
                    "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
                ).format(sql.Identifier(database))
            )
        url = make_url(self._ledger.url).set(database=database).render_as_string(hide_password=False)
        try:
            restore_ledger(kept, url, self._settings.backup.tools)
        except SealBroken as error:
            raise Violated("ARGUMENT_INVALID", "object", str(error)) from None
        return url

    @staticmethod
    def _database(name: str) -> str:
        return "sanji_" + "".join(letter if letter.isalnum() else "_" for letter in name.lower())


class SchemaChange:
    """Bringing the tables to a revision, forward or back; the object is the revision or ``head``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Says from where to where."""
        found, wanted = await asyncio.to_thread(migrate.current, self._ledger.url), self._revision(name, arguments)
        return [f"{found} → {wanted}"]

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Migrates, in one transaction."""
        wanted, url = self._revision(name, arguments), self._ledger.url
        await step(0, 1)
        found = await asyncio.to_thread(migrate.current, url)
        act = migrate.upgrade if found is None or found <= wanted else migrate.downgrade
        await asyncio.to_thread(act, url, wanted, actor=actor())
        await step(1, 1)
        return f"{found} → {wanted}"

    @staticmethod
    def _revision(name: str, arguments: Arguments) -> str:
        wanted = migrate.head() if name == "head" else name
        if arguments or not migrate.is_known(wanted) or wanted < _FIRST_REVISION:
            raise Violated("ARGUMENT_INVALID", "object", name)
        return wanted


class RecordExpiry:
    """Deleting now what is older than the settings keep it; the object is ``records``."""

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._expiry = Expiry(ledger, settings.retention, clock)

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Says by kind from when on it goes; how many rows that is changes by the minute, and is no part of it."""
        _require_records(name, arguments)
        return [
            f"{one.kind.name}: {one.before.date().isoformat() if one.before else '永久 / for ever'}"
            for one in await self._expiry.plan()
        ]

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Deletes."""
        _require_records(name, arguments)

        async def told_step(count: int) -> None:
            await step(count, count + 1)

        deleted = await self._expiry.run(told_step)
        total = sum(deleted.values())
        await step(total, total)
        return f"{total} 行已清理 / rows deleted"


def _require_records(name: str, arguments: Arguments) -> None:
    if name != "records" or arguments:
        raise Violated("ARGUMENT_INVALID", "object", name)


def host_operations(ledger: Ledger, settings: Settings, clock: Clock) -> dict[Operation, Runnable]:
    """Returns these operations of a hub."""
    return {
        Operation.RESTORE: RestoreBeside(ledger, settings, clock),
        Operation.SCHEMA_CHANGE: SchemaChange(ledger),
        Operation.RETENTION_CHANGE: RecordExpiry(ledger, settings, clock),
    }
