"""What an auditor would ask of a staged federation: do the audit logs hold, and can a case be proved to somebody else.

Each log is verified from its first entry, against its own checkpoints and the newest one a neighbour signed. One case
is proved at the nation, and the proof is checked as another machine would: from the file and the authority alone.
"""

from pathlib import Path
from typing import NamedTuple

from auth.audit_chain import Checkpoint, read_checkpoint
from auth.case_proof import verify_proof, write_proof
from auth.signatures import Signed
from exchange_db import audit_checkpoints
from exchange_db.session import Ledger
from hub.audit.verifying import verify_ledger
from hub.clock import system_clock
from hub.demo.staging import StagedHub
from hub.evidence.casefile import case_of, proof_of


class Trust(NamedTuple):
    """What was verified. ``broken`` says in words what did not hold; it must be empty.

    ``witnessed_count`` is the number of logs a neighbour has signed a checkpoint of, ``signed_count`` how many of the
    case's records a batch signature covers.
    """

    entry_count: int
    log_count: int
    witnessed_count: int
    record_count: int
    signed_count: int
    broken: tuple[str, ...]


async def verify_trust(ways: list[tuple[StagedHub, StagedHub]], authority: Path, issuer_id: str, case_no: str) -> Trust:
    """Verifies every hub's audit log, and one case at the top.

    Args:
        ways: pairs of a hub and the hub above it that is its witness; the last hub above is the nation's.
        authority: PEM of the federation's authority.
        issuer_id: platform that numbered the case.
        case_no: the case.
    """
    trusted = authority.read_bytes()
    witnesses = {below.folder.name: above for below, above in ways}
    hubs = {hub.folder.name: hub for way in ways for hub in way}
    top = next(hub for name, hub in hubs.items() if name not in witnesses)
    entries = witnessed = 0
    broken = []
    for name, hub in hubs.items():
        kept = await _kept(witnesses[name], name, trusted) if name in witnesses else []
        witnessed += len(kept)
        async with Ledger(hub.url, pool_size=0) as ledger, ledger.read() as session:
            found = await verify_ledger(session, name, trusted, kept)
        entries += found.entry_count
        if found.broken is not None:
            broken.append(f"{name}：{found.broken.chinese}")
    async with Ledger(top.url, pool_size=0) as ledger, ledger.read() as session:
        proof = await proof_of(session, top.folder.name, issuer_id, case_no, system_clock())
    tls = top.settings.tls
    content = write_proof(proof, tls.certificate.read_bytes(), tls.key.read_bytes())
    checked = verify_proof(content, trusted, case_of)
    signed = sum(bool(finding.signed_with) for finding in checked.findings)
    return Trust(entries, len(hubs), witnessed, len(checked.findings), signed, tuple(broken))


async def _kept(witness: StagedHub, hub_id: str, authorities: bytes) -> list[Checkpoint]:
    """Returns the newest checkpoint of a log that its witness keeps, if there is one."""
    async with Ledger(witness.url, pool_size=0) as ledger, ledger.read() as session:
        found = await audit_checkpoints.last_witnessed(session, hub_id)
    return [read_checkpoint(Signed(*found.signed), authorities)] if found else []
