"""Spans of OpenTelemetry, sent by OTLP over HTTP from a thread of the library's own.

Every tier chooses the same records, because the choice depends on the trace id alone; a hub with a higher ratio traces
those of one with a lower ratio too.
"""

from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)

from connectors.traceparents import RecordTrace
from hub.settings import Settings

_SEND_SECONDS = 5
_DELAY_MS = 1_000
#: The last 56 bits of a trace id are random (W3C Trace Context, level 2); those of a message id are too.
_RANDOM_BITS = 56
_KINDS = {"intake": SpanKind.CONSUMER, "deliver": SpanKind.PRODUCER}


class Spans:
    """Takes spans of records.

    Args:
        settings: all settings of the hub.
    """

    def __init__(self, settings: Settings) -> None:
        part, hub = settings.traces, settings.hub
        self._bound = round(part.sample_ratio * (1 << _RANDOM_BITS))
        resource = Resource.create(
            {
                "service.name": "sanji",
                "service.namespace": hub.id,
                "service.instance.id": f"{hub.id}/{hub.instance}",
                "service.version": version("sanji"),
            }
        )
        self._provider = TracerProvider(resource=resource, sampler=ALWAYS_ON, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=part.collector, timeout=_SEND_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_DELAY_MS))
        self._tracer = self._provider.get_tracer("sanji")
        self._hub_id = hub.id

    def wants(self, trace: RecordTrace) -> bool:
        """Tells whether a record is among those that are traced."""
        return trace.is_wanted and trace.trace_id & ((1 << _RANDOM_BITS) - 1) < self._bound

    def add(self, step: str, trace: RecordTrace, link: str, begin: int, end: int, outcome: str) -> None:
        """Takes one span, a child of the place the record came with."""
        place = SpanContext(trace.trace_id, trace.parent_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
        span = self._tracer.start_span(
            f"{step} {self._hub_id}",
            set_span_in_context(NonRecordingSpan(place)),
            _KINDS.get(step, SpanKind.INTERNAL),
            {
                "sanji.hub": self._hub_id,
                "sanji.step": step,
                "sanji.link": link,
                "sanji.record": trace.record,
                "sanji.message": trace.message_id,
                "sanji.origin": trace.origin_id,
                "sanji.outcome": outcome,
            },
            start_time=begin,
        )
        span.end(end)

    def close(self) -> None:
        """Sends what is left, for a few seconds at most."""
        self._provider.force_flush(_SEND_SECONDS * 1_000)
        self._provider.shutdown()
