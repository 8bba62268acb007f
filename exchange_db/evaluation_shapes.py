"""Evaluation data that travels between hubs, as frozen structs with their limits; part of ``exchange_db.records``.

Numbers are exact text: an integer, a decimal or ``n/d``. No persons are named: who gave a value is kept where it was
given.
"""

from enum import IntEnum
from typing import Annotated

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=60)]
Text40 = Annotated[str, Meta(max_length=40)]
Text100 = Annotated[str, Meta(max_length=100)]
Exact = Annotated[str, Meta(max_length=60)]


class EvaluationKind(IntEnum):
    """What a record tells: values and self-evaluation of who is evaluated, or a result of who evaluates."""

    VALUES = 1
    RESULT = 2


class EvaluationValue(Struct, frozen=True, array_like=True, gc=False):
    """One input: of an indicator, a part, or an entry of the list; ``unit_code`` empty for the whole region.

    ``origin`` is a word of ``hub.evaluation.sources.Origin``; a figure names its metric and both its parts.
    ``target`` and ``verdict`` are those of indicators that have one.
    """

    entry_id: Name
    unit_code: Text40
    value: Exact
    origin: Text40 = ""
    metric_id: Text100 = ""
    metric_version: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    numerator: Exact = ""
    denominator: Exact = ""
    target: Exact = ""
    verdict: Text40 = ""


class EvaluationScore(Struct, frozen=True, array_like=True, gc=False):
    """One score: of a unit (``entry_id`` empty), of an indicator (``unit_code`` empty), or of the whole (both empty).

    ``rank`` is 0 where there is none; ``standing`` says why, ``grade`` is a word such as 优.
    """

    unit_code: Text40
    entry_id: Annotated[str, Meta(max_length=60)]
    points: Exact
    display: Text40
    group_code: Text40 = ""
    rank: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    standing: Text40 = ""
    is_vetoed: bool = False
    grade: Text40 = ""


class EvaluationRecord(Struct, frozen=True, gc=False):
    """Values or a result of one region, scheme and period, whole; ``made_time`` in microseconds since 1970."""

    reporter_id: str
    region: int
    kind: EvaluationKind
    scheme_id: str
    scheme_version: int
    period: str
    revision: int
    made_time: int
    run_id: str = ""
    input_digest: str = ""
    result_digest: str = ""
    note: str = ""
    values: tuple[EvaluationValue, ...] = ()
    scores: tuple[EvaluationScore, ...] = ()
