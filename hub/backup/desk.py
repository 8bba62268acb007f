"""What is done with backups, for jobs and commands: making one and removing old ones, proving one, restoring one."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from exchange_db import backups, migrate, restores
from exchange_db.audit_records import hub_actor
from exchange_db.session import Ledger
from hub.backup import keeping, wal
from hub.backup.cipher import read_private_key, read_public_key
from hub.backup.making import BackupMaker, BackupUnset
from hub.backup.manifest import Manifest
from hub.backup.restoring import Kept, take
from hub.backup.verifying import Proof, verify
from hub.backup.wal import Archived
from hub.clock import Clock
from hub.recording import recorded, told
from hub.settings import Settings


class VerifyFailed(Exception):
    """A trial restore showed that a backup is not what it should be."""


class BackupDesk:
    """The backups of one hub.

    Args:
        ledger: the hub's database.
        settings: all settings.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._settings = settings
        self._clock = clock

    async def make(self, kind: str = "") -> Manifest:
        """Makes a backup; see ``BackupMaker.make``."""
        name = str(self._settings.backup.folder)
        async with told(self._ledger, "backup.make", name) as detail:
            manifest = await BackupMaker(self._ledger, self._settings, self._clock).make(kind)
            detail |= {"backup": manifest.backup_id, "kind": manifest.kind, "position": manifest.contents.position}
        return manifest

    async def archive_wal(self) -> Archived:
        """Brings the archive of WAL up to this moment; see ``hub.backup.wal.archive``.

        Raises:
            BackupUnset: ``backup.wal_folder`` or the public key are not set.
        """
        part = self._settings.backup
        if part.wal_folder is None or part.public_key is None:
            raise BackupUnset
        key = read_public_key(part.public_key)
        return await asyncio.to_thread(wal.archive, self._ledger.url, key, part.wal_folder, part.tools)

    async def prune(self) -> list[str]:
        """Removes the backups that are kept no longer; returns their names."""
        folder = self._folder()
        async with self._ledger.read() as session:
            known = {one.backup_id: one for one in await backups.listing(session, 10_000) if one.state == "kept"}
        made = {name: one.started_time for name, one in known.items() if (folder / name).is_dir()}
        gone = sorted(made.keys() - keeping.kept_of(made, self._settings.backup))
        removed = await asyncio.to_thread(keeping.remove, folder, gone)
        if removed:
            async with recorded(self._ledger, "backup.remove", str(folder), detail={"backups": removed}) as act:
                await backups.note_removed(act.session, removed)
        return removed

    async def verify(self, backup_id: str = "", *, key: Path | None = None, passphrase: bytes = b"") -> Proof:
        """Proves a backup, the newest one by default, and notes how it went.

        Raises:
            BackupUnset: there is no folder, key or backup.
            VerifyFailed: it is not good; the text says how.
        """
        part = self._settings.backup
        async with self._ledger.read() as session:
            newest = await backups.last_kept(session)
        name = backup_id or (newest.backup_id if newest else "")
        private = key or part.recovery_key
        if not name or private is None:
            raise BackupUnset
        if not passphrase and part.passphrase is not None:
            passphrase = part.passphrase.read_bytes().strip()
        try:
            kept = await asyncio.to_thread(self._take, name, private, passphrase)
            proof = await verify(kept, self._settings, self._ledger.url)
        except Exception as error:
            await self._note(name, "", str(error))
            raise
        trouble = "; ".join(proof.troubles)
        await self._note(name, proof.in_words, trouble)
        if trouble:
            raise VerifyFailed(f"{proof.in_words}: {trouble}")
        return proof

    def _take(self, name: str, key: Path, passphrase: bytes) -> Kept:
        authorities = self._settings.tls.authority.read_bytes()
        private = read_private_key(key, passphrase)
        return take(self._folder() / name, authorities, private, self._settings.hub.id)

    async def _note(self, name: str, result: str, trouble: str) -> None:
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        async with recorded(self._ledger, "backup.verify", name, detail={"trouble": trouble[:400]}) as act:
            await backups.note_verified(act.session, name, now, result, trouble)

    def _folder(self) -> Path:
        if self._settings.backup.folder is None:
            raise BackupUnset
        return self._settings.backup.folder


async def mark_restored(url: str, manifest: Manifest, settings: Settings, actor: str, now: datetime) -> int:
    """Brings a restored ledger's tables up to this software and marks it; returns its incarnation."""
    await asyncio.to_thread(migrate.upgrade, url, actor=hub_actor(settings.hub.id))
    async with Ledger(url, pool_size=0) as ledger:
        about = {"backup": manifest.backup_id, "made": manifest.made_at.isoformat(), "by": actor}
        async with recorded(ledger, "database.restore", settings.hub.id, detail={**about}) as act:
            return await restores.begin(
                act.session, manifest.backup_id, manifest.made_at, manifest.contents.position, now
            )
