"""The hash tree of RFC 9162: one root for many contents, short proofs that one is among them or that it only grew.

Pure. Knows nothing of what the contents are: ``auth.envelope`` grows one over the records of a batch, the chain of
acts one over its entries. Leaves are digests made by ``leaf_of``; an index begins at 0.

Source: RFC 9162 section 2.1, with SM3 (GM/T 0004-2012) as a second digest.
"""

import hashlib
from collections.abc import Callable, Sequence
from enum import StrEnum

from auth.sm.hashing import sm3

#: Bytes of a digest, whichever it is.
DIGEST_BYTES = 32
_LEAF, _NODE = b"\x00", b"\x01"


class TreeDigest(StrEnum):
    """The digest of a tree; the words travel and are stored."""

    SHA256 = "SHA-256"
    SM3 = "SM3"


def leaf_of(digest: TreeDigest, content: bytes) -> bytes:
    """Returns the leaf of one content."""
    return _digest(digest)(_LEAF + content)


def leaves_of(digest: TreeDigest, contents: Sequence[bytes]) -> list[bytes]:
    """Returns the leaves of many contents, in order."""
    hashed = _digest(digest)
    return [hashed(_LEAF + content) for content in contents]


def root_of(digest: TreeDigest, leaves: Sequence[bytes]) -> bytes:
    """Returns the root over some leaves; over none it is the digest of nothing."""
    hashed = _digest(digest)
    if not leaves:
        return hashed(b"")
    level = list(leaves)
    while len(level) > 1:
        level = _above(hashed, level)
    return level[0]


def inclusion_proof(digest: TreeDigest, leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Returns the path from a leaf to the root, lowest first.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    hashed, level, path = _digest(digest), list(leaves), []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside])
        level, index = _above(hashed, level), index >> 1
    return path


def is_included(digest: TreeDigest, leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tells whether a path leads from a leaf at an index to the root of a tree of some size."""
    if not 0 <= index < size:
        return False
    hashed, found, position, last = _digest(digest), leaf, index, size - 1
    for node in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = hashed(_NODE + node + found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = hashed(_NODE + found + node)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def consistency_proof(digest: TreeDigest, leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Returns what shows that the tree over all leaves only adds to the one over the first ``old_size``.

    Raises:
        ValueError: ``old_size`` is below 1 or above the number of leaves.
    """
    if not 1 <= old_size <= len(leaves):
        raise ValueError(f"a tree of {len(leaves)} has no earlier state of {old_size}")
    return _grown(digest, leaves, old_size, is_known=True)


def is_consistent(
    digest: TreeDigest, old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Tells whether a path shows that the newer tree begins with the older one."""
    if not 1 <= old_size <= new_size:
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    nodes = list(path)
    if old_size & (old_size - 1) == 0:
        nodes.insert(0, old_root)
    if not nodes:
        return False
    hashed, position, last = _digest(digest), old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_found = new_found = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_found, new_found = hashed(_NODE + node + old_found), hashed(_NODE + node + new_found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new_found = hashed(_NODE + new_found + node)
        position, last = position >> 1, last >> 1
    return last == 0 and old_found == old_root and new_found == new_root


def _grown(digest: TreeDigest, leaves: Sequence[bytes], old_size: int, *, is_known: bool) -> list[bytes]:
    """SUBPROOF of the RFC; ``is_known`` says that the reader has the root of these leaves."""
    size = len(leaves)
    if old_size == size:
        return [] if is_known else [root_of(digest, leaves)]
    split = 1 << ((size - 1).bit_length() - 1)
    if old_size <= split:
        return [*_grown(digest, leaves[:split], old_size, is_known=is_known), root_of(digest, leaves[split:])]
    return [*_grown(digest, leaves[split:], old_size - split, is_known=False), root_of(digest, leaves[:split])]


def _above(hashed: Callable[[bytes], bytes], level: list[bytes]) -> list[bytes]:
    """The level above: pairs joined; one without a partner goes up as it is."""
    above = [hashed(_NODE + level[at] + level[at + 1]) for at in range(0, len(level) - 1, 2)]
    if len(level) & 1:
        above.append(level[-1])
    return above


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _digest(digest: TreeDigest) -> Callable[[bytes], bytes]:
    return _sha256 if digest is TreeDigest.SHA256 else sm3
