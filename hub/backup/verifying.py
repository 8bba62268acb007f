"""Proving a backup by restoring it: into a scratch database, compared with its manifest, figures and audit log checked.

A dump is restored into a database of its own on the hub's server, or on an embedded one where the hub's role may make
none; a base backup is unpacked and started beside. Either is dropped in the end, whatever came out. Called by the job
``verify-backup`` and by ``sanji backup verify``.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger, driver_url
from exchange_db.snapshots import COUNTED, Contents
from hub.audit.verifying import verify_ledger
from hub.backup.making import evidence_place
from hub.backup.restoring import Kept, contents_in, digests_of, restore_ledger, unpack_server
from hub.settings import Settings
from hub.statistics.rebuild import FigureRebuild


class Proof(NamedTuple):
    """What a trial restore showed; ``troubles`` is empty when the backup is good."""

    backup_id: str
    row_count: int
    audit_count: int
    case_count: int
    attachment_count: int
    troubles: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """One line for people."""
        return (
            f"{self.backup_id}: {self.row_count} 行 / rows, {self.case_count} 件案件重算 / cases recounted,"
            f" {self.audit_count} 条审计 / audit entries, {self.attachment_count} 个附件 / attachments"
        )


async def verify(kept: Kept, settings: Settings, url: str) -> Proof:
    """Restores a backup, looks at everything, and drops it again.

    Raises:
        SealBroken, ToolFailed, ToolMissing, EmbeddedServerFailed, psycopg.Error: it cannot even be restored.
    """
    with ExitStack() as stack:
        scratch = await asyncio.to_thread(stack.enter_context, _restored(kept, settings, url))
        contents = await asyncio.to_thread(contents_in, scratch)
        troubles = list(_differences(kept.manifest.contents, contents))
        async with Ledger(scratch, pool_size=0) as ledger:
            figures = await FigureRebuild(ledger, settings.figures.counting).check()
            async with ledger.read() as session:
                log = await verify_ledger(session, settings.hub.id, settings.tls.authority.read_bytes())
        if figures.differences:
            troubles.append(f"{len(figures.differences)} 个统计单元与案件不符 / figures differ from the cases")
        if log.broken is not None:
            troubles.append(f"审计日志 {log.broken.chinese} / audit log: {log.broken.english}")
    digests = [] if kept.manifest.attachment_bucket else digests_of(kept)
    missing = [digest for digest in digests if not evidence_place(kept.folder.parent, digest).is_file()]
    if missing:
        troubles.append(f"{len(missing)} 个附件不在备份中 / attachments are in no backup: {missing[0]}")
    return Proof(
        kept.manifest.backup_id, sum(contents.counts.values()), contents.audit_number,
        contents.counts["cases"], len(digests), tuple(troubles),
    )  # fmt: skip


def _differences(wanted: Contents, found: Contents) -> Iterator[str]:
    for table in COUNTED:
        if wanted.counts.get(table) != found.counts[table]:
            yield f"{table}: {found.counts[table]} ≠ {wanted.counts.get(table)}"
    for name in ("schema", "position", "audit_hash", "proof"):
        if getattr(wanted, name) != getattr(found, name):
            yield f"{name}: {getattr(found, name)} ≠ {getattr(wanted, name)}"


@contextmanager
def _restored(kept: Kept, settings: Settings, url: str) -> Iterator[str]:
    if kept.manifest.kind == "base":
        with _beside(settings) as folder:
            unpack_server(kept, folder)
            with EmbeddedServer(folder) as server:
                yield server.url(kept.manifest.database)
        return
    with _scratch_database(url) if _may_make(url) else _scratch_server(settings) as scratch:
        restore_ledger(kept, scratch, settings.backup.tools)
        yield scratch


def _may_make(url: str) -> bool:
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        row = connection.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(row and row[0])


@contextmanager
def _scratch_database(url: str) -> Iterator[str]:
    name = f"sanji_verify_{uuid4().hex[:12]}"
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'").format(
                sql.Identifier(name)
            )
        )
        try:
            yield psycopg_url(url, name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _scratch_server(settings: Settings) -> Iterator[str]:
    with _beside(settings) as folder, EmbeddedServer(folder) as server:
        yield server.ensure_database("sanji_verify")


@contextmanager
def _beside(settings: Settings) -> Iterator[Path]:
    parent = settings.backup.scratch
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="sanji-verify-", dir=parent))
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def psycopg_url(url: str, database: str) -> str:
    """Returns the address of another database on the same server."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)
