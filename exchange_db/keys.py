"""Fixed-size keys of what is exchanged, the same in every hub."""

from hashlib import blake2b

from exchange_db import document_records

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


def evaluation_key(reporter_id: str, region: int, kind: int, scheme_id: str, period: str) -> bytes:
    """Returns the 16 bytes that stand for an evaluation record."""
    return _digest(f"evaluation\0{reporter_id}\0{region}\0{kind}\0{scheme_id}\0{period}".encode())


def component_key(owner_id: str, component_id: str) -> bytes:
    """Returns the 16 bytes that stand for a component: ids are unique at the platform that keeps it."""
    return _digest(f"component\0{owner_id}\0{component_id}".encode())


def canary_key(sender_id: str, receiver_id: str, sent_time: int) -> bytes:
    """Returns the 16 bytes that stand for a canary; the time is in them, so canaries go through all partitions."""
    return _digest(f"canary\0{sender_id}\0{receiver_id}\0{sent_time}".encode())


def document_key(issuer_id: str, document_id: str) -> bytes:
    """Returns the 16 bytes that stand for a document: those of the number its files are handed in under."""
    return case_key(issuer_id, document_records.case_no(document_id))


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
