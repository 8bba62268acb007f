"""Translating the class of a case that is held back: the class as first sent is kept beside the new one.

Called by ``hub.intake.replay`` for whoever has decided it; nothing is translated by itself.
"""

from collections.abc import Mapping
from typing import NamedTuple

from connectors.wire import read_parcel
from exchange_db.facts import class_key
from exchange_db.records import Assignment, Case, CodeKind, Report
from exchange_db.regions import region_of
from protos.exchange.v1 import parcel_pb2


class ClassRef(NamedTuple):
    """A class: its standard, component or event, and the code."""

    standard_ref: str
    kind: CodeKind
    code: str

    @property
    def key(self) -> str:
        """The one text it is counted under."""
        return class_key(*self)


def classes_of(payload: bytes) -> dict[ClassRef, tuple[int, int]]:
    """Returns the classes a case record names, with the region and the moment they are looked up for.

    Raises:
        Violated: the record does not keep the contract.
    """
    parcel = read_parcel(payload)
    if not isinstance(parcel.record, Case):
        return {}
    report, assignment = parcel.record.report, parcel.record.assignment
    region = int(report.region_code) if report else region_of(parcel.record.issuer_id)
    moment = report.reported_time if report else parcel.created_time
    return {_class_of(section): (region, moment) for section in (report, assignment) if section}


def _class_of(section: Report | Assignment) -> ClassRef:
    return ClassRef(section.standard_ref, section.class_kind, section.class_code)


def with_classes(payload: bytes, translated: Mapping[ClassRef, ClassRef]) -> bytes:
    """Returns the record with other classes, and the ones it came with as ``original``."""
    parcel = parcel_pb2.Parcel.FromString(payload)
    for name in ("report", "assignment"):
        if not parcel.case.HasField(name):
            continue
        code = getattr(parcel.case, name).class_code
        was = ClassRef(code.standard_ref, CodeKind(code.kind), code.code)
        if was in translated:
            code.standard_ref, code.kind, code.code = translated[was]
            code.original = code.original or was.key
    return parcel.SerializeToString(deterministic=True)
