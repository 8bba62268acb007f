"""Backups of a real ledger: made, proved by restoring, refused when altered; retention; migrations that are held up."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from auth.approvals import Operation
from exchange_db import backups, migrate, restores
from exchange_db.errors import MigrationBlocked
from exchange_db.migrate import Patience
from exchange_db.session import Ledger
from hub.approvals.host_operations import host_operations
from hub.backup.catching_up import RestorePending, require_caught_up
from hub.backup.cipher import SealBroken, make_keys, read_private_key
from hub.backup.desk import BackupDesk, VerifyFailed, mark_restored
from hub.backup.expiring import Expiry
from hub.backup.making import evidence_place
from hub.backup.manifest import ManifestInvalid
from hub.backup.restoring import NotEmpty, files_of, restore_evidence, restore_ledger, take
from hub.clock import system_clock
from hub.evidence.store import EvidenceStore, name_of
from hub.sections.backup import BackupPart, RetentionPart
from hub.sections.evidence import EvidencePart
from hub.settings import HubPart, Settings, TlsPart
from tests.support.audit_logs import AUTHORITY, CITY, HUBS
from tests.support.clock import FakeClock
from tests.support.neighbours import enrolled
from tests.support.postgres import Cluster

_DIGEST = "ab" * 32


@pytest.fixture(scope="module")
def url(cluster: Cluster) -> Iterator[str]:
    with cluster.migrated() as made:
        yield made


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[Ledger]:
    async with Ledger(url, pool_size=2) as opened:
        yield opened


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("city")
    (folder / "authority.pem").write_bytes(AUTHORITY.certificate)
    (folder / "hub.pem").write_bytes(HUBS[CITY].certificate)
    (folder / "hub.key").write_bytes(HUBS[CITY].key)
    make_keys(folder / "backup.pub", folder / "backup.key", b"")
    return Settings(
        hub=HubPart(id=CITY, name="怀化市"),
        tls=TlsPart(authority=folder / "authority.pem", certificate=folder / "hub.pem", key=folder / "hub.key"),
        backup=BackupPart(
            folder=folder / "kept", public_key=folder / "backup.pub", recovery_key=folder / "backup.key", kept_daily=1,
            kept_weekly=0, kept_monthly=0,
        ),
        evidence=EvidencePart(folder=folder / "store", spool_folder=folder / "spool"),
        retention=RetentionPart(quarantine=6, job_runs=6, deliveries=6),
    )  # fmt: skip


def _kept(settings: Settings, backup_id: str) -> Path:
    assert settings.backup.folder is not None
    return settings.backup.folder / backup_id


def _count(url: str, query: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_backup_is_made_proved_restored_and_refused_when_altered(
    ledger: Ledger, settings: Settings, cluster: Cluster
) -> None:
    await enrolled(ledger, "431221.platform")
    async with ledger.write() as session:
        await session.driver.execute(
            "INSERT INTO attachments (digest, size_bytes, media_type, sniffed_type, state, first_uploader_id,"
            " stored_time, last_checked_time)"
            " VALUES (decode(%s, 'hex'), 5, 'image/jpeg', 'image/jpeg', 'held', '431221.platform', now(), now())",
            (_DIGEST,),
        )
    stored = settings.evidence.folder / name_of(_DIGEST)
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"photo")
    desk = BackupDesk(ledger, settings, system_clock)
    first = await desk.make()
    place = evidence_place(_kept(settings, "x").parent, _DIGEST)
    written = place.stat().st_mtime_ns
    manifest = await desk.make()
    assert place.stat().st_mtime_ns == written, "evidence is written once for all backups"
    assert b"photo" not in place.read_bytes()
    assert manifest.contents.counts["peers"] == 1
    assert [file.setting for file in manifest.files] == ["tls.authority", "tls.certificate", "tls.key"]
    assert await desk.prune() == [first.backup_id]

    proof = await desk.verify()
    assert proof.troubles == ()
    assert proof.attachment_count == 1
    assert _count(ledger.url, "SELECT count(*) FROM pg_database WHERE datname LIKE 'sanji_verify%'") == 0
    async with ledger.read() as session:
        listed = {one.backup_id: one for one in await backups.listing(session)}
    assert (listed[first.backup_id].state, listed[manifest.backup_id].state) == ("removed", "kept")
    assert listed[manifest.backup_id].verified_time is not None
    assert await _restored_elsewhere(settings, manifest.backup_id, cluster) == 1
    place.unlink()
    await _altered_and_refused(desk, settings, manifest.backup_id)
    async with ledger.read() as session:
        newest = await backups.last_kept(session)
    assert newest is not None
    assert "签名无效" in newest.verify_trouble


async def _altered_and_refused(desk: BackupDesk, settings: Settings, backup_id: str) -> None:
    """Takes evidence away, cuts a part, changes the manifest: each is found and noted."""
    with pytest.raises(VerifyFailed, match="附件不在备份中"):
        await desk.verify()
    sealed = _kept(settings, backup_id) / "ledger.sealed"
    whole = sealed.read_bytes()
    sealed.write_bytes(whole[:-1])
    with pytest.raises(ManifestInvalid, match="被截断或改动"):
        await desk.verify()
    sealed.write_bytes(whole)
    told = _kept(settings, backup_id) / "manifest.json"
    told.write_text(told.read_text().replace('\\"peers\\":1', '\\"peers\\":2'))
    with pytest.raises(ManifestInvalid, match="签名无效"):
        await desk.verify()


async def _restored_elsewhere(settings: Settings, backup_id: str, cluster: Cluster) -> int:
    """Restores into an empty database, marks it, and looks at files and evidence; returns its incarnation."""
    assert settings.backup.recovery_key is not None
    key = read_private_key(settings.backup.recovery_key, b"")
    kept = take(_kept(settings, backup_id), AUTHORITY.certificate, key, CITY)
    with pytest.raises(ManifestInvalid, match="的备份"):
        take(kept.folder, AUTHORITY.certificate, key, "430000.hub")
    files = files_of(kept, settings.evidence.spool_folder / "files")
    assert [path.read_bytes() for path in files] == [AUTHORITY.certificate, HUBS[CITY].certificate, HUBS[CITY].key]
    elsewhere = EvidencePart(folder=settings.evidence.spool_folder / "elsewhere")
    assert await restore_evidence(kept, EvidenceStore(elsewhere), settings.evidence.spool_folder) == (1, [])
    assert (elsewhere.folder / name_of(_DIGEST)).read_bytes() == b"photo"
    with cluster.empty() as url:
        with pytest.raises(SealBroken):
            await asyncio.to_thread(restore_ledger, kept._replace(key=X25519PrivateKey.generate()), url, None)
        contents = await asyncio.to_thread(restore_ledger, kept, url, None)
        assert contents.counts == kept.manifest.contents.counts
        with pytest.raises(NotEmpty):
            await asyncio.to_thread(restore_ledger, kept, url, None)
        incarnation = await mark_restored(url, kept.manifest, settings, "host:root", datetime.now(UTC))
        async with Ledger(url, pool_size=0) as ledger:
            with pytest.raises(RestorePending, match="sanji restore catch-up"):
                await require_caught_up(ledger)
            await _numbers_go_on(ledger, incarnation)
            await require_caught_up(ledger)
    return incarnation


async def _numbers_go_on(ledger: Ledger, incarnation: int) -> None:
    async with ledger.write() as session:
        (link,) = await restores.restored_links(session, incarnation)
        assert await restores.number_on(session.driver, link.destination_id, 700)
        assert not await restores.number_on(session.driver, link.destination_id, 900), "once a link and restore"
        cursor = await session.driver.execute("SELECT last_sequence, acked_sequence, receipted_sequence FROM links")
        assert await cursor.fetchall() == [(700, 700, 700)]
        await restores.note_asked(session, incarnation)


async def test_what_is_over_goes_and_what_is_open_stays(ledger: Ledger, settings: Settings, clock: FakeClock) -> None:
    old, young = datetime(2019, 11, 1, tzinfo=UTC), datetime(2020, 3, 1, tzinfo=UTC)
    async with ledger.write() as session:
        for number, (resolution, moment) in enumerate((("open", old), ("discarded", old), ("discarded", young))):
            await session.driver.execute(
                "INSERT INTO quarantine (stage, sequence, peer_id, origin_id, reason, field_path, message, message_zh,"
                " payload, resolution, resolved_time) VALUES ('intake', %s, 'x', 'x', 'x', '', '', '', '', %s, %s)",
                (number, resolution, moment),
            )
    expiry = Expiry(ledger, settings.retention, clock)
    planned = {one.kind.name: one.row_count for one in await expiry.plan()}
    assert planned["quarantine"] == 1
    operation = host_operations(ledger, settings, clock)[Operation.RETENTION_CHANGE]
    lines = await operation.dry_run("records", {})
    assert "quarantine: 2019-12-01" in lines
    seen: list[int] = []

    async def step(done: int, total: int) -> None:
        seen.append(done)

    assert (await operation.run("records", {}, step)).startswith("1 行")
    assert seen
    query = "SELECT count(*) FROM quarantine WHERE peer_id = 'x' AND resolution"
    assert _count(ledger.url, f"{query} = 'open'") == 1
    assert _count(ledger.url, f"{query} = 'discarded'") == 1
    assert _count(ledger.url, "SELECT count(*) FROM audit_entries WHERE action = 'records.expire'") == 2


async def test_alerts_outages_and_maintenance_that_are_over_go_with_their_story(
    ledger: Ledger, settings: Settings, clock: FakeClock
) -> None:
    """Of each kind one is long over, one not for long, and one goes on."""
    here, now = 431200, datetime.fromtimestamp(clock() / 1_000_000, UTC)
    ends = (now - timedelta(days=6 * 365), now - timedelta(days=30), None)
    async with ledger.write() as session:
        for number, end in enumerate(ends):
            start, key = (end or now) - timedelta(hours=1), UUID(int=number)
            await session.driver.execute(
                "INSERT INTO alerts (region, alert_id, rule, subject, severity, text, text_en, opened_time,"
                " closed_time) VALUES (%s, %s, 'link.down', %s, 'critical', '', '', %s, %s)",
                (here, key, str(number), start, end),
            )
            await session.driver.execute(
                "INSERT INTO alert_events (region, alert_id, event, event_time) VALUES (%s, %s, 'opened', %s)",
                (here, key, start),
            )
            await session.driver.execute(
                "INSERT INTO alert_notices (region, event_id, channel, address, title, body, severity, made_time,"
                " state, due_time, ended_time) VALUES (%s, %s, 'mail', 'x', '', '', 'critical', %s, %s, %s, %s)",
                (here, key, start, "sent" if end else "waiting", start, end),
            )
            await session.driver.execute(
                "INSERT INTO alert_silences (region, silence_id, rule, subject, until_time, reason, made_by, made_time)"
                " VALUES (%s, %s, '*', '*', %s, '', '', %s)",
                (here, key, end or now + timedelta(hours=1), start),
            )
            await session.driver.execute(
                "INSERT INTO outages (destination_id, direction, start_time, end_time, cause)"
                " VALUES (7, 'out', %s, %s, 'LINK_UNREACHABLE')",
                (start, end),
            )
            await session.driver.execute(
                "INSERT INTO maintenance_windows (destination_id, start_time, end_time, reason, planned_by,"
                " planned_time) VALUES (7, %s, %s, '', '', %s)",
                (start, end or now + timedelta(hours=1), start),
            )
    gone = await Expiry(ledger, settings.retention, clock).run()
    kinds = ("alerts", "alert_notices", "alert_silences", "outages", "maintenance_windows")
    assert {name: gone[name] for name in kinds} == dict.fromkeys(kinds, 1)
    for table in (*kinds, "alert_events"):
        assert _count(ledger.url, f"SELECT count(*) FROM {table}") == 2, table


async def test_two_people_restore_beside_the_ledger_and_change_its_tables(ledger: Ledger, settings: Settings) -> None:
    manifest = await BackupDesk(ledger, settings, system_clock).make()
    known = host_operations(ledger, settings, system_clock)

    async def step(done: int, total: int) -> None:
        assert done <= total

    restoring, arguments = known[Operation.RESTORE], {"key": str(settings.backup.recovery_key)}
    database = "sanji_" + manifest.backup_id.lower().replace("-", "_")
    assert database in (await restoring.dry_run(manifest.backup_id, arguments))[0]
    assert database in await restoring.run(manifest.backup_id, arguments, step)
    try:
        assert _count(ledger.url, f"SELECT count(*) FROM pg_database WHERE datname = '{database}'") == 1
    finally:
        with psycopg.connect(ledger.url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {database}".encode())
    changing = known[Operation.SCHEMA_CHANGE]
    assert await changing.dry_run("head", {}) == [f"{migrate.head()} → {migrate.head()}"]
    assert await changing.run("head", {}, step) == f"{migrate.head()} → {migrate.head()}"


def test_a_migration_waits_a_little_tells_who_holds_it_up_and_comes_again(cluster: Cluster) -> None:
    patience = Patience(lock_seconds=0.2, tries=2, pause_seconds=0.0)
    with cluster.migrated() as url, psycopg.connect(url) as holding:
        before = migrate.current(url)
        holding.execute("SELECT count(*) FROM file_links")
        with pytest.raises(MigrationBlocked, match=f"pid {holding.info.backend_pid} "):
            migrate.downgrade(url, "-1", patience=patience)
        assert migrate.current(url) == before
        # The session goes away while it is being tried.
        letting_go = threading.Timer(0.5, holding.rollback)
        letting_go.start()
        migrate.downgrade(url, "-1", patience=patience._replace(tries=200, pause_seconds=0.05))
        letting_go.join()
        assert migrate.current(url) != before
        migrate.upgrade(url)
