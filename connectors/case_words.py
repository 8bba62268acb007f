"""The words of a case's report, for searching; cheaper than reading the whole record. For ``hub.apply.wording``."""

from typing import NamedTuple

from google.protobuf.message import DecodeError

from protos.exchange.v1 import parcel_pb2


class CaseWords(NamedTuple):
    """Whose case, its number, and what its report says in words."""

    issuer_id: str
    case_no: str
    texts: tuple[str, ...]


def words_in(payload: bytes) -> CaseWords | None:
    """Returns the words of a report; ``None`` for a parcel that brings none."""
    try:
        parcel = parcel_pb2.Parcel.FromString(payload)
    except DecodeError:
        return None
    if parcel.WhichOneof("record") != "case" or not parcel.case.HasField("report"):
        return None
    key, report = parcel.case.key, parcel.case.report
    return CaseWords(key.issuer_id, key.case_no, (report.description, report.address))
