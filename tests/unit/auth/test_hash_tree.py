"""The tree of RFC 9162: proofs of every leaf and every growth hold, and nothing else does."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.hash_tree import (
    TreeDigest,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_of,
    leaves_of,
    root_of,
)
from auth.sm import sm3

CONTENTS = st.lists(st.binary(max_size=40), min_size=1, max_size=70)
DIGESTS = st.sampled_from(TreeDigest)
#: The eight entries and the roots over the first n of them that implementations of RFC 6962 share as examples.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def _by_definition(hashed: object, contents: list[bytes]) -> bytes:
    """MTH of RFC 9162, word for word."""
    assert callable(hashed)
    if not contents:
        return bytes(hashed(b""))
    if len(contents) == 1:
        return bytes(hashed(b"\x00" + contents[0]))
    split = 1
    while split * 2 < len(contents):
        split *= 2
    return bytes(hashed(b"\x01" + _by_definition(hashed, contents[:split]) + _by_definition(hashed, contents[split:])))


@pytest.mark.parametrize("count", ROOTS)
def test_roots_known_elsewhere(count: int) -> None:
    assert root_of(TreeDigest.SHA256, leaves_of(TreeDigest.SHA256, ENTRIES[:count])).hex() == ROOTS[count]


@given(DIGESTS, st.lists(st.binary(max_size=20), max_size=40))
def test_the_root_is_as_the_rfc_defines_it(digest: TreeDigest, contents: list[bytes]) -> None:
    hashed = sm3 if digest is TreeDigest.SM3 else lambda content: hashlib.sha256(content).digest()
    assert root_of(digest, leaves_of(digest, contents)) == _by_definition(hashed, contents)


@given(DIGESTS, CONTENTS, st.data())
def test_every_leaf_is_proved_at_its_place_only(digest: TreeDigest, contents: list[bytes], data: st.DataObject) -> None:
    leaves = leaves_of(digest, contents)
    root, size = root_of(digest, leaves), len(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(digest, leaves, index)
    assert is_included(digest, leaves[index], index, size, path, root)
    assert not is_included(digest, leaf_of(digest, contents[index] + b"."), index, size, path, root)
    assert not is_included(digest, leaves[index], index, size, [*path, root], root)
    assert not is_included(digest, leaves[index], size, size, path, root)
    assert not is_included(digest, leaves[index], -1, size, path, root)
    elsewhere = data.draw(st.integers(0, size - 1))
    if leaves[elsewhere] != leaves[index]:
        assert not is_included(digest, leaves[index], elsewhere, size, path, root)
    if path:
        assert not is_included(digest, leaves[index], index, size, path[:-1], root)
        place = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:place], bytes(32), *path[place + 1 :]]
        assert not is_included(digest, leaves[index], index, size, changed, root)


@given(DIGESTS, CONTENTS, st.data())
def test_growth_is_proved_and_nothing_else(digest: TreeDigest, contents: list[bytes], data: st.DataObject) -> None:
    leaves = leaves_of(digest, contents)
    size = len(leaves)
    old_size = data.draw(st.integers(1, size))
    old_root, new_root = root_of(digest, leaves[:old_size]), root_of(digest, leaves)
    path = consistency_proof(digest, leaves, old_size)
    assert is_consistent(digest, old_size, size, old_root, new_root, path)
    assert not is_consistent(digest, old_size, size, bytes(32), new_root, path)
    assert not is_consistent(digest, old_size, size, old_root, bytes(32), path)
    assert not is_consistent(digest, old_size, size, old_root, new_root, [*path, old_root])
    assert not is_consistent(digest, size + 1, size, old_root, new_root, path)
    rewritten = [*leaves]
    rewritten[data.draw(st.integers(0, old_size - 1))] = bytes(32)
    assert not is_consistent(
        digest,
        old_size,
        size,
        old_root,
        root_of(digest, rewritten),
        consistency_proof(digest, rewritten, old_size),
    )


def test_what_is_not_there_is_not_proved() -> None:
    leaves = leaves_of(TreeDigest.SM3, ENTRIES)
    with pytest.raises(IndexError):
        inclusion_proof(TreeDigest.SM3, leaves, 8)
    with pytest.raises(ValueError, match="no earlier state of 0"):
        consistency_proof(TreeDigest.SM3, leaves, 0)
    with pytest.raises(ValueError, match="no earlier state of 9"):
        consistency_proof(TreeDigest.SM3, leaves, 9)
    assert not is_consistent(TreeDigest.SM3, 3, 8, root_of(TreeDigest.SM3, leaves[:3]), leaves[0], [])
