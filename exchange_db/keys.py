"""Fixed-size keys of what is exchanged, the same in every hub."""

from hashlib import blake2b

#: Number of partitions of the log, fixed when a ledger is made.
PARTITION_COUNT = 64
#: Copied for every key: cheaper than a new one with its size to parse.
_EMPTY = blake2b(digest_size=16)


def case_key(issuer_id: str, case_no: str) -> bytes:
    """Returns the 16 bytes that stand for a case everywhere."""
    return _digest(f"{issuer_id}\0{case_no}".encode())


def sheet_key(reporter_id: str, region: int, month: int) -> bytes:
    """Returns the 16 bytes that stand for a sheet of counts."""
    return _digest(f"sheet\0{reporter_id}\0{region}\0{month}".encode())


def component_key(owner_id: str, component_id: str) -> bytes:
    """Returns the 16 bytes that stand for a component: ids are unique at the platform that keeps it."""
    return _digest(f"component\0{owner_id}\0{component_id}".encode())


def message_key(origin_id: str, message_id: bytes) -> bytes:
    """Returns the 16 bytes that stand for a message, whichever way it comes."""
    return _digest(origin_id.encode() + b"\0" + message_id)


def partition_of(record_key: bytes) -> int:
    """Returns the partition, 0 to 63, in which all records with this key are applied in order."""
    return record_key[0] % PARTITION_COUNT


def _digest(content: bytes) -> bytes:
    hashing = _EMPTY.copy()
    hashing.update(content)
    return hashing.digest()
