"""The steps of a record through this hub, told as lines of the log and spans of a trace.

Whoever takes a step asks once for ``current_steps``: ``None`` where nobody wants to know, and then nothing is read,
timed or kept. What is told is read off the record's own bytes, after the step is done and committed.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from connectors.traceparents import RecordTrace, trace_of
from exchange_db.inbox import Refusal
from hub.log_context import concerning
from hub.settings import Settings

logger = logging.getLogger(__name__)

INTAKE, APPLY, DELIVER = "intake", "apply", "deliver"
_OUTCOMES = {"D": "durable", "U": "duplicate", "R": "refused", "O": "out of order"}


class SpanSink(Protocol):
    """What takes spans."""

    def wants(self, trace: RecordTrace) -> bool:
        """Tells whether a record is among those that are traced."""

    def add(self, step: str, trace: RecordTrace, link: str, begin: int, end: int, outcome: str) -> None:
        """Takes one span; moments are nanoseconds since 1970."""

    def close(self) -> None:
        """Sends what it still has."""


class RecordSteps:
    """Tells of steps.

    Args:
        has_lines: whether each step is a line of the log.
        spans: takes spans; ``None`` for none.
    """

    def __init__(self, spans: SpanSink | None, *, has_lines: bool) -> None:
        self._spans = spans
        self._has_lines = has_lines

    def taken(self, link: str, payloads: Sequence[bytes | Refusal], begin: int, outcomes: str) -> None:
        """Tells of a batch at intake; ``outcomes`` as in ``exchange_db.inbox.Answer``."""
        end = time.time_ns()
        for payload, outcome in zip(payloads, outcomes, strict=False):
            if isinstance(payload, bytes):
                self._tell(INTAKE, link, payload, begin, end, _OUTCOMES[outcome])

    def applied(self, payloads: Iterable[bytes], begin: int) -> None:
        """Tells of a run of apply."""
        end = time.time_ns()
        for payload in payloads:
            self._tell(APPLY, "", payload, begin, end, "settled")

    def delivered(self, link: str, payloads: Iterable[bytes], begin: int) -> None:
        """Tells of a batch a neighbour has taken, or was given because it asked."""
        end = time.time_ns()
        for payload in payloads:
            self._tell(DELIVER, link, payload, begin, end, "delivered")

    def _tell(self, step: str, link: str, payload: bytes, begin: int, end: int, outcome: str) -> None:
        trace = trace_of(payload)
        if trace is None:
            return
        if self._spans is not None and self._spans.wants(trace):
            self._spans.add(step, trace, link, begin, end, outcome)
        if self._has_lines:
            names = {"link": link} if link else {}
            told = concerning(case=trace.record, message_id=trace.message_id, trace=f"{trace.trace_id:032x}", **names)
            with told:
                logger.info("%s %s", step, outcome)


_STEPS: ContextVar[RecordSteps | None] = ContextVar("steps", default=None)


def current_steps() -> RecordSteps | None:
    """Returns whom to tell of steps in the process that is being put together; ``None``: nobody."""
    return _STEPS.get()


@contextmanager
def telling_of_records(settings: Settings) -> Iterator[None]:
    """Has what is put together inside tell of records, as far as the settings ask; at the end the rest is sent."""
    spans: SpanSink | None = None
    if settings.traces.collector:
        # Only a process that traces carries the weight of the library.
        from hub.telemetry.spans import Spans  # noqa: PLC0415

        spans = Spans(settings)
    has_lines = settings.log.has_records
    token = _STEPS.set(RecordSteps(spans, has_lines=has_lines) if spans is not None or has_lines else None)
    try:
        yield
    finally:
        _STEPS.reset(token)
        if spans is not None:
            spans.close()
