"""Verifying an audit log: line by line along its chain, and against checkpoints somebody else has kept.

Pure; needs neither a database nor a network, so that another machine can do it. The hashes are those of
``exchange_db.audit_hashes``, trees are verified by ``auth.hash_tree``, which knows nothing of them. Called by
``sanji audit verify``, by the check when a hub starts and by ``hub.audit``.

What it finds: any change of a line, any line that is missing, doubled, moved or renumbered, named by its number. A
log that was written anew from some line on, hashes and all, is in order in itself: only a checkpoint from before shows
it, and a tail that was cut off only a checkpoint from after, kept where it could not be cut as well.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from msgspec import Struct

from auth.hash_tree import TreeDigest, is_consistent
from auth.signatures import Signed, sign, signer_of
from exchange_db.audit_hashes import Head, beginning, chain_hash, digest_of, grown, leaf_hash, root_of
from exchange_db.audit_records import AuditLine, written_time
from exchange_db.records import Violated

#: What checkpoints and the signatures of neighbours on them are signed for.
CHECKPOINT, COUNTERSIGNATURE = "sanji audit checkpoint 1", "sanji audit countersignature 1"
_COLUMNS = ("actor", "action", "object", "outcome", "reason")


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The state of a log at one size. ``witness_id`` is empty in the hub's own; hashes are in hex.

    ``made_time`` is microseconds since 1970.
    """

    hub_id: str
    algorithm: str
    size: int
    root: str
    chain_hash: str
    made_time: int
    witness_id: str = ""


class Broken(NamedTuple):
    """The first line that does not fit: its number, and what is wrong in Chinese and English."""

    number: int
    chinese: str
    english: str


def checkpoint_of(hub_id: str, head: Head, made_time: int) -> Checkpoint:
    """Returns the checkpoint of a log as it stands."""
    return Checkpoint(
        hub_id=hub_id, algorithm=head.algorithm, size=head.size, root=root_of(head).hex(),
        chain_hash=head.chain_hash.hex(), made_time=made_time,
    )  # fmt: skip


def signed_checkpoint(checkpoint: Checkpoint, certificates: bytes, key: bytes) -> Signed:
    """Signs a checkpoint with a hub's key: its own, or a neighbour's when it names a witness.

    Raises:
        ValueError: certificate or key cannot be used.
    """
    purpose = COUNTERSIGNATURE if checkpoint.witness_id else CHECKPOINT
    return sign(purpose, msgspec.json.encode(checkpoint, order="sorted"), certificates, key)


def read_checkpoint(signed: Signed, authorities: bytes) -> Checkpoint:
    """Verifies a checkpoint up to the federation's authority and reads it.

    Raises:
        Violated: SIGNATURE_INVALID, CHECKPOINT_INVALID, or PEER_ID_MISMATCH when somebody else signed.
    """
    checkpoint = _decoded(signed.content)
    purpose = COUNTERSIGNATURE if checkpoint.witness_id else CHECKPOINT
    if not _is_plain_pem(signed.certificates):
        raise Violated("CHECKPOINT_INVALID", "certificates")
    signer = signer_of(purpose, signed, authorities, datetime.fromtimestamp(checkpoint.made_time / 1_000_000, UTC))
    if signer != (checkpoint.witness_id or checkpoint.hub_id):
        raise Violated("PEER_ID_MISMATCH", "hub_id", signer)
    return checkpoint


def _is_plain_pem(certificates: bytes) -> bool:
    """Tells whether certificates are written as ``sign`` writes them, so that no byte of a file may differ unseen."""
    try:
        chain = x509.load_pem_x509_certificates(certificates)
    except ValueError:
        return False
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain) == certificates


def _decoded(content: bytes) -> Checkpoint:
    try:
        checkpoint = msgspec.json.decode(content, type=Checkpoint)
        digest_of(checkpoint.algorithm)
        is_plain = (
            len(bytes.fromhex(checkpoint.root)) == len(bytes.fromhex(checkpoint.chain_hash)) == 32
            and checkpoint.size >= 0
            and 0 <= checkpoint.made_time < 7_258_118_400_000_000
            and msgspec.json.encode(checkpoint, order="sorted") == content
        )
    except (ValueError, msgspec.MsgspecError):
        is_plain = False
    if not is_plain:
        raise Violated("CHECKPOINT_INVALID", "content")
    return checkpoint


def require_growth(held: Checkpoint | None, shown: Checkpoint, proof: Sequence[bytes]) -> None:
    """Checks that a neighbour's log only grew since the checkpoint that is held of it.

    Raises:
        Violated: CHECKPOINT_INCONSISTENT: it is another log, a shorter one, or one that was written anew.
    """
    if held is None:
        return
    algorithm = TreeDigest(shown.algorithm)
    is_same_log = held.hub_id == shown.hub_id and held.algorithm == shown.algorithm
    if held.size == shown.size:
        is_grown = held.root == shown.root and held.chain_hash == shown.chain_hash
    elif held.size == 0:
        is_grown = True
    else:
        old, new = bytes.fromhex(held.root), bytes.fromhex(shown.root)
        is_grown = is_consistent(algorithm, held.size, shown.size, old, new, proof)
    if not (is_same_log and is_grown):
        raise Violated("CHECKPOINT_INCONSISTENT", "size", f"{shown.size} ({shown.root[:16]})")


class ChainWalk:
    """Walks along a log, from its first line or from one further on.

    Args:
        algorithm: the log's hash.
        checkpoints: what the log must be at some sizes; from the hub itself or from whoever kept some.
        head: the head to begin behind, which is believed; the beginning of the log without one.
    """

    def __init__(self, algorithm: str, checkpoints: Iterable[Checkpoint] = (), head: Head | None = None) -> None:
        self._digest = digest_of(algorithm)
        self._expected: dict[int, list[Checkpoint]] = {}
        for checkpoint in checkpoints:
            self._expected.setdefault(checkpoint.size, []).append(checkpoint)
        self.head = head or beginning(algorithm)
        self._fitted = self.head.size

    def take(self, line: AuditLine) -> Broken | None:
        """Goes one line on; returns what is wrong with it, and then must not be asked again."""
        number = self.head.size + 1
        broken = _misplaced(line, number) or _mistold(line)
        if broken is None:
            broken = self._unchained(line)
        if broken is not None:
            return broken
        self.head, _, _ = grown(self.head, [line.leaf_hash])
        return self._unexpected()

    def end(self) -> Broken | None:
        """Tells whether lines are missing at the end, by the checkpoints."""
        longest = max(self._expected, default=0)
        if longest > self.head.size:
            return Broken(
                self.head.size + 1,
                f"日志止于第 {self.head.size} 条，而检查点证明至少有 {longest} 条：尾部被截断",
                f"the log ends at {self.head.size}, but a checkpoint shows at least {longest} entries: its tail is cut",
            )
        return None

    def _unchained(self, line: AuditLine) -> Broken | None:
        if leaf_hash(self._digest, line.content) != line.leaf_hash:
            return Broken(
                line.number, "内容与其摘要不符：内容被改动", "the content does not fit its hash: it was changed"
            )
        if chain_hash(self._digest, self.head.chain_hash, line.leaf_hash) != line.chain_hash:
            return Broken(
                line.number, "与前一条不相接：此条或前面被改动、插入或删除",
                "it does not follow the line before: this one or one before was changed, inserted or deleted",
            )  # fmt: skip
        return None

    def _unexpected(self) -> Broken | None:
        for checkpoint in self._expected.get(self.head.size, ()):
            found = (self.head.algorithm, root_of(self.head).hex(), self.head.chain_hash.hex())
            if found != (checkpoint.algorithm, checkpoint.root, checkpoint.chain_hash):
                who = checkpoint.witness_id or checkpoint.hub_id
                return Broken(
                    self._fitted + 1,
                    f"第 {self._fitted + 1} 至 {self.head.size} 条与 {who} 的检查点不符：曾被整体重写",
                    f"lines {self._fitted + 1} to {self.head.size} do not fit the checkpoint of {who}: written anew",
                )
        if self.head.size in self._expected:
            self._fitted = self.head.size
        return None


def _misplaced(line: AuditLine, number: int) -> Broken | None:
    if line.number == number:
        return None
    if line.number > number:
        return Broken(number, f"缺少第 {number} 条，其后是第 {line.number} 条", f"line {number} is missing")
    return Broken(number, f"此处应为第 {number} 条，却是第 {line.number} 条", f"line {line.number} is out of its place")


def _mistold(line: AuditLine) -> Broken | None:
    """Compares the columns that are searched with the content that is hashed."""
    told = told_by(line.content)
    if told is None:
        return Broken(line.number, "内容不是规定的格式", "the content is not in its form")
    columns = {name: getattr(line, name) for name in _COLUMNS}
    columns |= {"number": line.number, "time": written_time(line.recorded_time), "region": f"{line.region:06d}"}
    for name, value in columns.items():
        if told.get(name) != value:
            return Broken(line.number, f"{name} 一栏与内容不符", f"the column {name} does not fit the content")
    return None


def told_by(content: bytes) -> dict[str, Any] | None:
    """Returns what an entry's bytes tell; ``None`` when they are not in the one form they may have."""
    try:
        told = msgspec.json.decode(content, type=dict[str, Any])
        return told if msgspec.json.encode(told, order="sorted") == content else None
    except (ValueError, msgspec.MsgspecError):
        return None
