"""Making a backup: one picture of the ledger, sealed as it is read, and the evidence that is new.

The ledger goes straight from PostgreSQL's program through the cipher onto the disk; nothing lies there in clear. A
dump reads by a snapshot, so it is consistent however much comes in meanwhile; what the manifest counts is the same
picture. Evidence is kept once, by digest, beside all backups. A backup becomes visible when its manifest is in place.
"""

import asyncio
import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import psycopg

from exchange_db import backups
from exchange_db.session import Ledger, driver_url
from exchange_db.snapshots import contents_of, exported, held_digests
from hub.backup import manifest as manifests
from hub.backup.cipher import CHUNK, read_public_key, sealed
from hub.backup.manifest import ATTACHMENTS, FILES, LEDGER, Manifest, NeededFile, Part
from hub.backup.tools import address_of, environment_of, output_of, server_major, tool
from hub.clock import Clock
from hub.evidence.store import name_of
from hub.settings import Settings

#: Evidence of all backups, by digest, below the folder of backups.
EVIDENCE = "evidence"
#: What a backup is made in; it gets its own name when it is whole.
_UNDER_WAY = ".under-way"


class BackupUnset(Exception):
    """Folder or public key of backups are not set."""

    def __init__(self) -> None:
        super().__init__(
            "未设置 backup.folder 或 backup.public_key。请先执行 sanji backup keys，再在设置文件的 [backup] 中填写。"
            " / Set backup.folder and backup.public_key; sanji backup keys makes a pair."
        )


class BackupMaker:
    """Makes backups of one hub.

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
        """Makes a backup and notes it; ``kind`` is ``dump``, ``base``, or as the settings say.

        Raises:
            BackupUnset, KeyUnusable, ToolMissing: it cannot be begun.
            ToolFailed, OSError, psycopg.Error: it failed, which is noted.
        """
        part = self._settings.backup
        if part.folder is None or part.public_key is None:
            raise BackupUnset
        read_public_key(part.public_key)
        now = self._now()
        backup_id, kind = f"{now:%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}", kind or part.kind
        part.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        async with self._ledger.write() as session:
            await backups.begin(session, backup_id, kind, str(part.folder / backup_id), now)
        working = part.folder / f"{_UNDER_WAY}-{backup_id}"
        try:
            working.mkdir(mode=0o700)
            manifest, digests = await asyncio.to_thread(self._write, working, backup_id, kind, now)
            await asyncio.to_thread(self._keep_evidence, digests, part.folder)
            certificate, key = self._settings.tls.certificate.read_bytes(), self._settings.tls.key.read_bytes()
            manifests.write(manifest, working, certificate, key)
            await asyncio.to_thread(_settle, working, part.folder / backup_id)
        except Exception as error:
            shutil.rmtree(working, ignore_errors=True)
            async with self._ledger.write() as session:
                await backups.fail(session, backup_id, self._now(), str(error))
            raise
        async with self._ledger.write() as session:
            await backups.finish(
                session, backup_id, self._now(), position=manifest.contents.position,
                size_bytes=sum(one.size_bytes for one in manifest.parts), attachment_count=manifest.attachment_count,
            )  # fmt: skip
        return manifest

    def _write(self, folder: Path, backup_id: str, kind: str, now: datetime) -> tuple[Manifest, list[str]]:
        """Writes all parts but the evidence itself; returns the manifest and the digests of the evidence."""
        settings, url = self._settings, self._ledger.url
        assert settings.backup.public_key is not None  # noqa: S101 — asked for in make
        recipient, server = read_public_key(settings.backup.public_key), server_major(url)
        program = tool("pg_dump" if kind == "dump" else "pg_basebackup", server, settings.backup.tools)

        def write(name: str, pieces: Iterable[bytes]) -> Part:
            return _written(folder / f"{name}.sealed", name, sealed(pieces, recipient, f"{backup_id}/{name}"))

        needed = list(needed_files(settings))
        with exported(url) as (connection, snapshot):
            contents, digests = contents_of(connection), held_digests(connection)
            parts = [
                write(LEDGER, output_of(program, _words(kind, url, snapshot), environment_of(url))),
                write(FILES, [_packed(needed)]),
                write(ATTACHMENTS, ["\n".join(digests).encode()]),
            ]
        files = tuple(NeededFile(setting, str(path), _digest(path)) for setting, path in needed)
        made = Manifest(
            backup_id=backup_id, kind=kind, hub_id=settings.hub.id, made_time=int(now.timestamp() * 1_000_000),
            software=version("sanji"), server=server, dumped_by=server, database=_database(url), contents=contents,
            parts=tuple(parts), files=files, attachment_count=len(digests),
            attachment_bucket=settings.evidence.s3_bucket,
        )  # fmt: skip
        return made, digests

    def _keep_evidence(self, digests: list[str], folder: Path) -> None:
        """Keeps what no backup before has; a bucket keeps its own copies."""
        part = self._settings.evidence
        assert self._settings.backup.public_key is not None  # noqa: S101 — asked for in make
        recipient = read_public_key(self._settings.backup.public_key)
        for digest in [] if part.s3_bucket else digests:
            place, source = evidence_place(folder, digest), part.folder / name_of(digest)
            # What is gone from the store is told by the scrub; no backup can bring it back.
            if not place.exists() and source.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                coming = place.with_suffix(".coming")
                coming.unlink(missing_ok=True)
                _written(coming, digest, sealed(_pieces(source), recipient, digest))
                coming.rename(place)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)


def evidence_place(folder: Path, digest: str) -> Path:
    """Returns where a piece of evidence lies below the folder of backups."""
    return folder / EVIDENCE / f"{name_of(digest)}.sealed"


def needed_files(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Yields the files of the host a hub needs to run again, by setting; those that are there."""
    named = [
        ("tls.authority", settings.tls.authority), ("tls.certificate", settings.tls.certificate),
        ("tls.key", settings.tls.key), ("console.certificate", settings.console.certificate),
        ("console.key", settings.console.key), ("console.wrapping_key", settings.console.wrapping_key),
        *(("signing.keys", path) for path in settings.signing.keys),
    ]  # fmt: skip
    links = settings.intermediate.folder
    named += [("intermediate.folder", path) for path in sorted(links.glob("*.toml"))]
    yield from ((setting, path) for setting, path in named if path is not None and path.is_file())


def _words(kind: str, url: str, snapshot: str) -> list[str]:
    if kind == "base":
        # The WAL that makes it whole is in it; where WAL is archived, recovery goes on from there.
        return ["--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast", f"--dbname={address_of(url)}"]
    return [
        "--format=custom", "--compress=6", "--no-owner", "--no-privileges", "--no-unlogged-table-data",
        "--lock-wait-timeout=60s", f"--snapshot={snapshot}", f"--dbname={address_of(url)}",
    ]  # fmt: skip


def _database(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(driver_url(url)).get("dbname") or "")


def _packed(files: list[tuple[str, Path]]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for number, (setting, path) in enumerate(files):
            tar.add(path, arcname=f"{number:02d}-{setting}-{path.name}")
    return held.getvalue()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _written(path: Path, name: str, pieces: Iterable[bytes]) -> Part:
    """Writes a part to the disk and says what it is."""
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
            size += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return Part(name, size, digest.hexdigest())


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def _settle(working: Path, final: Path) -> None:
    """Gives a whole backup its name, so that it survives a loss of power."""
    working.rename(final)
    handle = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
