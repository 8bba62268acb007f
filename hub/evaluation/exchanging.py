"""Evaluation data between hubs: values go up with the self-evaluation made of them, results go down to who was scored.

Who asks for a run to be sent only notes it; a job of the hub hands it in as a parcel of its own, so it is kept, signed
and repeated like every other record. The message is named after the run, so what was handed in twice is one. Called by
``hub.jobs`` and ``hub.cli``.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from fractions import Fraction
from uuid import UUID, uuid5

from connectors.wire import write_parcel
from exchange_db import evaluation_records, score_runs
from exchange_db.evaluation_records import Sending
from exchange_db.evaluation_shapes import EvaluationKind, EvaluationRecord, EvaluationScore, EvaluationValue
from exchange_db.regions import Regions
from exchange_db.score_runs import RunHead
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.evaluation.composite import UnitScore
from hub.evaluation.desk import Shown
from hub.evaluation.runs import Kept, KeptRun, KeptTree, read_kept
from hub.evaluation.schemes import Measure
from hub.evaluation.sources import InputSource, exact_text
from hub.evaluation.tree import TreeScore
from hub.recording import actor, recorded

_NAMESPACE = UUID("0c5d9a52-6f0b-5d3e-8a57-21f1a0d5b6c4")

#: Takes parcels of this hub into the log.
Submit = Callable[[list[bytes]], Awaitable[None]]


class SendingDesk:
    """Notes what is to be sent, and sends it.

    Args:
        ledger: the hub's database.
        hub_id: name of this hub.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, hub_id: str, clock: Clock) -> None:
        self._ledger = ledger
        self._hub_id = hub_id
        self._clock = clock

    async def ask(self, shown: Shown, kind: EvaluationKind) -> None:
        """Notes that a run is to be sent: its values up, or its result down."""
        head = shown.head
        row = Sending(head.region, int(kind), head.scheme_id, head.period, head.revision, actor(), self._now())
        async with recorded(
            self._ledger,
            "evaluation.send",
            f"{head.scheme_id} {head.period}",
            region=head.region,
            detail={"run": head.run_id, "kind": kind.name.lower()},
        ) as act:
            await evaluation_records.ask_to_send(act.session, row)

    async def send(self, submit: Submit) -> int:
        """Hands in what waits and returns how many records it was.

        Raises:
            ExchangeDbError: the log did not take one.
        """
        async with self._ledger.read() as session:
            waiting = await evaluation_records.waiting(session)
        sent = 0
        for row in waiting:
            async with self._ledger.read() as session:
                found = await score_runs.of_revision(session, row.region, row.scheme_id, row.period, row.revision)
            if found is not None:
                kept = read_kept(found.head.kind, found.content)
                await submit([self._parcel(record_of(self._hub_id, EvaluationKind(row.kind), found.head, kept))])
                sent += 1
            async with self._ledger.write() as session:
                await evaluation_records.note_sent(session, row, self._now())
        return sent

    async def received(self, visible: Regions, kind: EvaluationKind | None = None) -> list[EvaluationRecord]:
        """Returns records of regions, those of other hubs and those sent from here."""
        async with self._ledger.read() as session:
            return await evaluation_records.listing(session, visible, kind=kind)

    def _parcel(self, record: EvaluationRecord) -> bytes:
        name = f"{record.reporter_id}/{record.region}/{int(record.kind)}/{record.scheme_id}/{record.period}"
        message_id = uuid5(_NAMESPACE, f"{name}/{record.revision}")
        return write_parcel(message_id, self._hub_id, record.made_time, record)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)


def record_of(reporter_id: str, kind: EvaluationKind, head: RunHead, kept: Kept) -> EvaluationRecord:
    """Returns a run as it travels. Pure."""
    return EvaluationRecord(
        reporter_id=reporter_id,
        region=head.region,
        kind=kind,
        scheme_id=head.scheme_id,
        scheme_version=head.scheme_version,
        period=head.period,
        revision=head.revision,
        made_time=round(head.made_time.timestamp() * 1_000_000),
        run_id=head.run_id,
        input_digest=head.input_digest,
        result_digest=head.result_digest,
        note=head.reason[:1_000],
        values=values_of(kept),
        scores=scores_of(kept),
    )


def values_of(kept: Kept, unit: str = "") -> tuple[EvaluationValue, ...]:
    """Returns the inputs of a run, each once: entries of the list that came in several times are summed."""
    found: dict[tuple[str, str], InputSource] = {}
    sums: dict[tuple[str, str], Fraction] = {}
    for one in kept.sources:
        if unit in ("", one.unit):
            key = one.entry, one.unit
            found.setdefault(key, one)
            sums[key] = sums.get(key, Fraction(0)) + one.value
    return tuple(_value_of(kept, one, sums[key]) for key, one in found.items())


def _value_of(kept: Kept, one: InputSource, value: Fraction) -> EvaluationValue:
    node = kept.run.inputs.nodes.get(one.entry) if isinstance(kept, KeptTree) else None
    return EvaluationValue(
        entry_id=one.entry,
        unit_code=one.unit,
        value=exact_text(value),
        origin=one.origin,
        metric_id=one.metric_id,
        metric_version=one.metric_version,
        numerator="" if one.numerator is None else exact_text(one.numerator),
        denominator="" if one.denominator is None else exact_text(one.denominator),
        target="" if node is None or node.target is None else exact_text(node.target),
        verdict="" if node is None or node.verdict is None else node.verdict,
    )


def scores_of(kept: Kept, unit: str = "") -> tuple[EvaluationScore, ...]:
    """Returns the scores of a run: of its units, or of its indicators and the whole."""
    if isinstance(kept, KeptRun):
        return tuple(_of_unit(score) for score in kept.run.scores if unit in ("", score.unit))
    return _of_tree(kept.run.scores)


def _of_unit(score: UnitScore) -> EvaluationScore:
    return EvaluationScore(
        unit_code=score.unit,
        entry_id="",
        points=exact_text(score.score) if score.display else "",
        display=score.display,
        group_code=score.group,
        rank=score.rank,
        standing=score.standing,
        is_vetoed=score.is_vetoed,
    )


def _of_tree(scores: TreeScore) -> tuple[EvaluationScore, ...]:
    whole = EvaluationScore(
        unit_code="",
        entry_id="",
        points="" if scores.points is None else exact_text(scores.points),
        display=scores.display,
        grade="" if scores.grade is None else scores.grade.name_zh,
    )
    return (
        whole,
        *(
            EvaluationScore(
                unit_code="",
                entry_id=one.node.node_id,
                points="" if one.points is None else exact_text(one.points),
                display="",
            )
            for one in scores.scores
            if one.points is not None or one.node.measure is not Measure.GROUP
        ),
    )
