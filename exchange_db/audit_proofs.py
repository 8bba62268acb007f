"""Proofs from the audit log: that it only grew since a neighbour last saw it, and its root at any earlier size.

Reads the nodes that are kept and at most 255 leaves a subtree, however long the log is. Called by ``hub.audit``.

Source: RFC 9162 2.1.4.1 (consistency proofs).
"""

from typing import NamedTuple

from exchange_db.audit_hashes import KEPT_LEVEL, Digest, Head, digest_of, grown, node_hash, root_of
from exchange_db.session import HotSession, ReadSession

Session = HotSession | ReadSession


class Span(NamedTuple):
    """Leaves of a subtree, by index from 0; ``end`` is not included."""

    begin: int
    end: int


def consistency_spans(old_size: int, new_size: int) -> list[Span]:
    """Returns the subtrees whose hashes show that a log of ``new_size`` begins with the one of ``old_size``.

    Raises:
        ValueError: the older log is empty or longer than the newer.
    """
    if not 1 <= old_size <= new_size:
        raise ValueError(f"a log of {new_size} has no earlier state of {old_size}")
    return _spans(old_size, Span(0, new_size), is_known=True)


def _spans(old_size: int, span: Span, *, is_known: bool) -> list[Span]:
    size = span.end - span.begin
    if old_size == size:
        return [] if is_known else [span]
    middle = span.begin + (1 << ((size - 1).bit_length() - 1))
    left, right = Span(span.begin, middle), Span(middle, span.end)
    if old_size <= middle - span.begin:
        return [*_spans(old_size, left, is_known=is_known), right]
    return [*_spans(old_size - (middle - span.begin), right, is_known=False), left]


def complete_parts(span: Span) -> list[tuple[int, int]]:
    """Returns the complete subtrees a span consists of, the largest first, as (level, position)."""
    parts, begin = [], span.begin
    while begin < span.end:
        level = (span.end - begin).bit_length() - 1
        parts.append((level, begin >> level))
        begin += 1 << level
    return parts


async def consistency_proof(session: Session, algorithm: str, old_size: int, new_size: int) -> list[bytes]:
    """Returns the proof that the log of ``new_size`` begins with the one of ``old_size``."""
    digest = digest_of(algorithm)
    return [await _hash_of(session, digest, algorithm, span) for span in consistency_spans(old_size, new_size)]


async def root_at(session: Session, algorithm: str, size: int) -> bytes:
    """Returns the root of the log when it had ``size`` entries."""
    digest = digest_of(algorithm)
    return await _hash_of(session, digest, algorithm, Span(0, size)) if size else digest(b"")


async def head_at(session: Session, algorithm: str, size: int, chain: bytes) -> Head:
    """Returns the head of the log when it had ``size`` entries, the last of them with the chain hash ``chain``."""
    edge = [await _part(session, algorithm, *part) for part in complete_parts(Span(0, size))]
    return Head(algorithm, size, chain, tuple(edge))


async def _hash_of(session: Session, digest: Digest, algorithm: str, span: Span) -> bytes:
    hashes = [await _part(session, algorithm, *part) for part in complete_parts(span)]
    found = hashes.pop()
    while hashes:
        found = node_hash(digest, hashes.pop(), found)
    return found


async def _part(session: Session, algorithm: str, level: int, position: int) -> bytes:
    if level >= KEPT_LEVEL:
        cursor = await session.driver.execute(
            "SELECT hash FROM audit_nodes WHERE level = %s AND position = %s", (level, position)
        )
    else:
        cursor = await session.driver.execute(
            "SELECT leaf_hash FROM audit_entries WHERE number > %s AND number <= %s ORDER BY number",
            (position << level, (position + 1) << level),
        )
    leaves = [row[0] for row in await cursor.fetchall()]
    if level >= KEPT_LEVEL and leaves:
        return bytes(leaves[0])
    return root_of(grown(Head(algorithm, 0, b"", ()), leaves)[0])
