"""Neighbours as witnesses: signing a neighbour's checkpoint once its log is shown to have only grown.

A neighbour's first checkpoint is believed; from then on each must continue the one that was signed last. One that
does not is refused, kept as evidence, and told in this hub's own audit log. After a restore that people agreed on, a
witness begins anew (``Rewitness``); a neighbour that shows nothing any more raises an alarm (``SilenceWatch``). Called
by ``hub.rpc``, ``hub.jobs`` and ``sanji audit``.
"""

import logging
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from auth.audit_chain import Checkpoint, read_checkpoint, require_growth, signed_checkpoint
from auth.principal import Principal
from auth.signatures import Signed
from exchange_db import audit_checkpoints
from exchange_db.audit import append
from exchange_db.audit_checkpoints import Witnessed
from exchange_db.audit_records import AuditEntry, SignedBytes, peer_actor
from exchange_db.records import Violated
from exchange_db.session import Ledger, WriteSession
from hub.clock import Clock
from hub.settings import TlsPart

logger = logging.getLogger(__name__)

#: A checkpoint may be made this much ahead of this hub's clock.
_MOST_AHEAD = 300_000_000


class WitnessAnswer(NamedTuple):
    """The size that is held of the log, and the signature unless the proof began elsewhere."""

    held_size: int
    signed: SignedBytes | None


class Witness:
    """Countersigns for one hub.

    Args:
        ledger: the hub's database.
        hub_id: name of the hub.
        tls: files of its certificate, key and authority.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, hub_id: str, tls: TlsPart, clock: Clock) -> None:
        self._ledger = ledger
        self._hub_id = hub_id
        self._tls = tls
        self._clock = clock

    async def sign(self, sender: Principal, shown: SignedBytes, proven_size: int, proof: list[bytes]) -> WitnessAnswer:
        """Signs a checkpoint of the sender's log.

        Raises:
            Violated: CHECKPOINT_FOREIGN, CHECKPOINT_INVALID, CHECKPOINT_INCONSISTENT, SIGNATURE_INVALID,
                PEER_ID_MISMATCH.
        """
        if sender.kind != "hub":
            raise Violated("CHECKPOINT_FOREIGN", "checkpoint", sender.peer_id)
        now = self._clock()
        checkpoint = read_checkpoint(Signed(*shown), self._tls.authority.read_bytes())
        if checkpoint.hub_id != sender.peer_id or checkpoint.witness_id:
            raise Violated("CHECKPOINT_FOREIGN", "checkpoint", checkpoint.hub_id)
        if checkpoint.made_time > now + _MOST_AHEAD:
            raise Violated("CHECKPOINT_INVALID", "checkpoint")
        async with self._ledger.write() as session:
            await audit_checkpoints.lock_witness(session, sender.peer_id)
            held = await _held(session, sender.peer_id)
            if held is not None and proven_size != held.size and held.size < checkpoint.size:
                return WitnessAnswer(held.size, None)
            try:
                require_growth(held, checkpoint, proof)
            except Violated as refused:
                await self._accuse(session, checkpoint, shown, now)
                refusal: Violated | None = refused
            else:
                refusal = None
                signed = self._countersigned(checkpoint, now)
                await audit_checkpoints.witness(session, _seen(checkpoint, shown, now, is_signed=True))
                await audit_checkpoints.note_shown(
                    session, sender.peer_id, datetime.fromtimestamp(now / 1_000_000, UTC)
                )
        if refusal is not None:
            raise refusal
        return WitnessAnswer(checkpoint.size, signed)

    async def _accuse(self, session: WriteSession, checkpoint: Checkpoint, shown: SignedBytes, now: int) -> None:
        """Keeps the contradicting checkpoint, whose signature is the neighbour's own, and says so in the log."""
        logger.error("audit log of %s was cut or written anew: checkpoint %d", checkpoint.hub_id, checkpoint.size)
        seen = _seen(checkpoint, shown, now, is_signed=False)
        if await audit_checkpoints.witness(session, seen):
            await append(
                session,
                AuditEntry(
                    actor=peer_actor(checkpoint.hub_id), action="audit.countersign", object=checkpoint.hub_id,
                    outcome="refused", reason="CHECKPOINT_INCONSISTENT",
                    detail={"size": checkpoint.size, "root": checkpoint.root},
                ),
            )  # fmt: skip

    def _countersigned(self, checkpoint: Checkpoint, now: int) -> SignedBytes:
        statement = replace(checkpoint, witness_id=self._hub_id, made_time=now)
        signed = signed_checkpoint(statement, self._tls.certificate.read_bytes(), self._tls.key.read_bytes())
        return SignedBytes(*signed)


async def _held(session: WriteSession, peer_id: str) -> Checkpoint | None:
    """Returns the checkpoint that was signed last; it was verified when it came."""
    last = await audit_checkpoints.last_witnessed(session, peer_id)
    return None if last is None else msgspec.json.decode(last.signed.content, type=Checkpoint)


def _seen(checkpoint: Checkpoint, shown: SignedBytes, now: int, *, is_signed: bool) -> Witnessed:
    moment = datetime.fromtimestamp(now / 1_000_000, UTC)
    return Witnessed(checkpoint.hub_id, checkpoint.size, bytes.fromhex(checkpoint.root), is_signed, shown, moment)
