"""Evaluation data on the wire: records read from messages and written into them.

Called by ``connectors.wire`` for parcels, and by ``hub.rpc`` for values and scores.
"""

import re
from typing import Annotated, Any

from msgspec import Meta, Struct

from connectors.fields import FieldReader, check_platform, check_region
from exchange_db.evaluation_shapes import EvaluationKind, EvaluationRecord, EvaluationScore, EvaluationValue, Name
from exchange_db.records import KnownTime, Revision, Text64, Text1000, Violated
from exchange_db.regions import parse_region
from protos.evaluation.v1 import evaluation_pb2

#: Most values, and most scores, of one record.
MOST_ENTRIES = 20_000
_EXACT = re.compile(r"-?[0-9]{1,28}(\.[0-9]{1,28}|/[0-9]*[1-9][0-9]*)?\Z", re.ASCII)


class _Head(Struct, frozen=True, array_like=True):
    scheme_id: Name
    scheme_version: Revision
    period: Annotated[str, Meta(pattern=r"^[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]|H[12]))?\Z")]
    revision: Revision
    made_time: KnownTime
    run_id: Text64
    input_digest: Text64
    result_digest: Text64
    note: Text1000


_HEAD = FieldReader(_Head, "evaluation")
_VALUE = FieldReader(EvaluationValue, "evaluation.values")
_SCORE = FieldReader(EvaluationScore, "evaluation.scores")


def read_evaluation(message: evaluation_pb2.EvaluationRecord) -> EvaluationRecord:
    """Reads a record.

    Raises:
        Violated: a field does not keep the contract; names it.
    """
    check_platform(message.reporter_id, "evaluation.reporter_id")
    check_region(message.region_code, "evaluation.region_code")
    if int(message.kind) not in [int(kind) for kind in EvaluationKind]:
        raise Violated("FIELD_INVALID" if message.kind else "FIELD_MISSING", "evaluation.kind", message.kind)
    head: _Head = _HEAD.read(message)
    for name, entries in (("values", message.values), ("scores", message.scores)):
        if len(entries) > MOST_ENTRIES:
            raise Violated("FIELD_INVALID", f"evaluation.{name}", f"{len(entries)} > {MOST_ENTRIES}")
    values: tuple[EvaluationValue, ...] = tuple(map(_VALUE.read, message.values))
    scores: tuple[EvaluationScore, ...] = tuple(map(_SCORE.read, message.scores))
    for value in values:
        _check_exact(value.value, "evaluation.values.value", is_needed=True)
        for name in ("numerator", "denominator", "target"):
            _check_exact(getattr(value, name), f"evaluation.values.{name}")
    for score in scores:
        _check_exact(score.points, "evaluation.scores.points")
    _check_once([(value.entry_id, value.unit_code) for value in values], "evaluation.values")
    _check_once([(score.entry_id, score.unit_code) for score in scores], "evaluation.scores")
    return EvaluationRecord(
        message.reporter_id,
        parse_region(message.region_code),
        EvaluationKind(message.kind),
        head.scheme_id,
        head.scheme_version,
        head.period,
        head.revision,
        head.made_time,
        head.run_id,
        head.input_digest,
        head.result_digest,
        head.note,
        values,
        scores,
    )


def evaluation_fields(record: EvaluationRecord) -> dict[str, Any]:
    """Returns what the message of a record is made of."""
    head = {name: getattr(record, name) for name in _Head.__struct_fields__}
    return head | {
        "reporter_id": record.reporter_id,
        "region_code": f"{record.region:06d}",
        "kind": int(record.kind),
        "values": list(map(value_fields, record.values)),
        "scores": list(map(score_fields, record.scores)),
    }


def value_fields(value: EvaluationValue) -> dict[str, Any]:
    """Returns what the message of an input is made of."""
    return _VALUE.written(value)


def score_fields(score: EvaluationScore) -> dict[str, Any]:
    """Returns what the message of a score is made of."""
    return _SCORE.written(score)


def _check_exact(text: str, path: str, *, is_needed: bool = False) -> None:
    if text or is_needed:
        if not text:
            raise Violated("FIELD_MISSING", path)
        if not _EXACT.match(text):
            raise Violated("NUMBER_INVALID", path, text)


def _check_once(keys: list[tuple[str, str]], path: str) -> None:
    if len(set(keys)) < len(keys):
        raise Violated("FIELD_INVALID", path, "twice")
