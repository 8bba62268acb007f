"""The arithmetic of the audit log: leaves, the chain through them, and the growing edge of the tree over them.

Pure. The tree is that of RFC 9162; here only what an append touches is computed: the complete subtrees at its right
edge, and the nodes that become complete. Proofs are put together by ``exchange_db.audit_proofs``; verifying
has its own reading of the same rules in ``auth.audit_chain`` and ``auth.hash_tree``.

Source: RFC 9162 2.1.1 (leaf = H(0 | entry), node = H(1 | left | right)); GM/T 0004 (SM3).
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

#: Hashes a log may be made with, and their names in hashlib. Which one it is, is settled with its first entry.
ALGORITHMS = {"SM3": "sm3", "SHA-256": "sha256"}
#: Nodes from this level on are kept; below, at most 256 leaves are hashed again.
KEPT_LEVEL = 8
_BEGINNING = b"sanji audit log 1\n"

Digest = Callable[[bytes], bytes]


class Node(NamedTuple):
    """A complete subtree of ``2 ** level`` leaves, the ``position``-th of its level."""

    level: int
    position: int
    hash: bytes


class Head(NamedTuple):
    """The end of a log.

    ``edge`` holds the hashes of the complete subtrees at the right edge, the largest first: as many as ``size`` has
    ones among its binary digits.
    """

    algorithm: str
    size: int
    chain_hash: bytes
    edge: tuple[bytes, ...]


def digest_of(algorithm: str) -> Digest:
    """Returns a hash function by its name.

    Raises:
        ValueError: it is none of ``ALGORITHMS``.
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(f"{algorithm} is none of {', '.join(ALGORITHMS)}")
    name = ALGORITHMS[algorithm]
    return lambda data: hashlib.new(name, data).digest()


def beginning(algorithm: str) -> Head:
    """Returns the head of a log without entries."""
    return Head(algorithm, 0, digest_of(algorithm)(_BEGINNING + algorithm.encode()), ())


def leaf_hash(digest: Digest, content: bytes) -> bytes:
    """Returns the hash of an entry's bytes."""
    return digest(b"\x00" + content)


def node_hash(digest: Digest, left: bytes, right: bytes) -> bytes:
    """Returns the hash of two subtrees together."""
    return digest(b"\x01" + left + right)


def chain_hash(digest: Digest, before: bytes, leaf: bytes) -> bytes:
    """Returns the hash that ties an entry to all before it."""
    return digest(before + leaf)


def grown(head: Head, leaves: Iterable[bytes]) -> tuple[Head, list[bytes], list[Node]]:
    """Adds leaves to a log.

    Returns:
        the new head, the chain's hash after each leaf, and the nodes that became complete and are kept.
    """
    digest = digest_of(head.algorithm)
    size, chain, edge = head.size, head.chain_hash, list(head.edge)
    chained: list[bytes] = []
    nodes: list[Node] = []
    for leaf in leaves:
        chain = chain_hash(digest, chain, leaf)
        chained.append(chain)
        node, level, position = leaf, 0, size
        while position & 1:
            node = node_hash(digest, edge.pop(), node)
            level, position = level + 1, position >> 1
            if level >= KEPT_LEVEL:
                nodes.append(Node(level, position, node))
        edge.append(node)
        size += 1
    return Head(head.algorithm, size, chain, tuple(edge)), chained, nodes


def root_of(head: Head) -> bytes:
    """Returns the root of the tree over a whole log."""
    digest = digest_of(head.algorithm)
    if not head.edge:
        return digest(b"")
    root = head.edge[-1]
    for left in reversed(head.edge[:-1]):
        root = node_hash(digest, left, root)
    return root
