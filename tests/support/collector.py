"""A collector of OpenTelemetry spans: OTLP over HTTP on the loopback, in a thread of its own."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class SeenSpan(NamedTuple):
    """One span as it came."""

    trace_id: str
    parent_id: str
    hub: str
    step: str
    link: str
    record: str
    begin: int
    end: int


class Collector:
    """What was seen so far."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}/v1/traces"
        self.spans: list[SeenSpan] = []

    def take(self, body: bytes) -> None:
        """Takes one request's spans."""
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    told = {item.key: item.value.string_value for item in span.attributes}
                    self.spans.append(
                        SeenSpan(
                            span.trace_id.hex(), span.parent_span_id.hex(), told["sanji.hub"], told["sanji.step"],
                            told["sanji.link"], told["sanji.record"],
                            span.start_time_unix_nano, span.end_time_unix_nano,
                        )
                    )  # fmt: skip


@contextmanager
def collecting() -> Iterator[Collector]:
    """Yields a collector that listens on a free port."""
    held: list[Collector] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            held[0].take(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Says nothing: the test tells what came."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held.append(Collector(server.server_address[1]))
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield held[0]
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
