"""Audit logs for tests: lines without a database, hubs that sign checkpoints, and an authority over them."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from auth.audit_chain import Checkpoint, checkpoint_of, signed_checkpoint
from auth.certificates import Certified, issue, make_authority
from auth.signatures import Signed
from exchange_db.audit_hashes import Head, beginning, digest_of, grown, leaf_hash
from exchange_db.audit_records import AuditEntry, AuditLine, content_of, host_actor

MADE = datetime(2020, 1, 1, tzinfo=UTC)
AUTHORITY = make_authority("审计测试机构", MADE)
CITY, PROVINCE, NATION = "431200.hub", "430000.hub", "000000.hub"
_BEGIN = 1_592_193_600_000_000


class Log(NamedTuple):
    """A log of one hub, in memory."""

    lines: list[AuditLine]
    head: Head


def certified(hub_id: str) -> Certified:
    """Returns a certificate of the tests' authority."""
    return issue(AUTHORITY, hub_id, MADE, days=3_650)


HUBS = {hub_id: certified(hub_id) for hub_id in (CITY, PROVINCE, NATION)}


def an_entry(number: int) -> AuditEntry:
    """Returns the entry of some act."""
    return AuditEntry(
        actor=host_actor("zhang"), action="peer.block", object=f"4312{number % 90:02d}.platform",
        detail={"was": "active", "count": number}, region=431200,
    )  # fmt: skip


def a_log(size: int, algorithm: str = "SM3", *, begin: int = 0) -> Log:
    """Returns a log of entries; with another ``begin`` it is another log."""
    digest, head, lines = digest_of(algorithm), beginning(algorithm), []
    for number in range(1, size + 1):
        entry, moment = an_entry(begin + number), _BEGIN + number * 1_000_000
        content = content_of(entry, number, moment)
        leaf = leaf_hash(digest, content)
        head, (chain,), _ = grown(head, [leaf])
        lines.append(
            AuditLine(
                number, moment, entry.actor, entry.action, entry.object, entry.outcome, entry.reason, entry.region,
                content, leaf, chain,
            )
        )  # fmt: skip
    return Log(lines, head)


def shown(log: Log, hub_id: str = CITY, witness_id: str = "") -> tuple[Checkpoint, Signed]:
    """Returns the checkpoint of a log, signed by its hub or a witness."""
    made_time = int((MADE + timedelta(days=100)).timestamp()) * 1_000_000
    unsigned = checkpoint_of(hub_id, log.head, made_time)
    checkpoint = Checkpoint(
        **{name: getattr(unsigned, name) for name in unsigned.__struct_fields__[:-1]}, witness_id=witness_id
    )
    signer = HUBS[witness_id or hub_id]
    return checkpoint, signed_checkpoint(checkpoint, signer.certificate, signer.key)
