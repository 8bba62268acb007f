"""The same questions on a distributed engine: a Spark cluster of two workers reads the archive's files."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.questions.answers import answered
from hub.questions.archive import Archive
from hub.questions.desk import QuestionDesk
from hub.questions.engines import files_for, statement_for
from hub.questions.manifest import read_manifest
from hub.questions.planning import planned
from hub.questions.question import Filter, Question
from hub.sections.questions import ArchivePart
from hub.settings import HubPart, Settings
from tests.support.clock import FakeClock
from tests.support.question_cases import counted, keep_rows, random_rows

_ROWS = random_rows(200, 20_200_616)
_ASKED = (
    Question(region="000000", first="2020", last="2020", group=("unit", "month"), measure=("count", "on_time", "F3")),
    Question(
        region="431200",
        where=(Filter("class", ("02*",)), Filter("state", ("void",), is_excluded=True)),
        group=("timeliness", "region", "quarter"),
        measure=("count", "mean_hours", "median_hours"),
        by="reported",
    ),
)
#: Small and quick to start: little memory, few partitions, no second look of the compiler.
_SPARK = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "512m",
    "spark.executor.memory": "512m",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@pytest.fixture
def spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A session on a cluster of two workers, each a process of its own with one core."""
    if shutil.which("java") is None:
        pytest.skip("needs java")
    import pyspark
    from pyspark.sql import SparkSession

    monkeypatch.setenv("SPARK_HOME", str(Path(pyspark.__file__).parent))
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path / "spark"))
    monkeypatch.setenv("SPARK_WORKER_DIR", str(tmp_path / "workers"))
    builder = SparkSession.builder.master("local-cluster[2,1,512]").appName("questions")
    for name, value in {**_SPARK, "spark.sql.warehouse.dir": str(tmp_path / "warehouse")}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.mark.spark
async def test_spark_says_what_the_ledger_and_plain_python_say(
    ledger: Ledger, tmp_path: Path, clock: FakeClock, spark: Any
) -> None:
    settings = Settings(hub=HubPart(id="000000.hub", name="国家"), archive=ArchivePart(path=tmp_path / "archive"))
    folder = tmp_path / "archive"
    await keep_rows(ledger, _ROWS)
    await Archive(ledger, settings, folder, clock).run()
    manifest = read_manifest(folder)
    assert manifest is not None
    desk = QuestionDesk(ledger, settings)
    for question in _ASKED:
        plan, regions = planned(question), subtree(int(question.region))
        files = files_for(folder, manifest, regions, plan.span)
        spark.read.parquet(*files).createOrReplaceTempView("facts")
        rows = [tuple(row) for row in spark.sql(statement_for("pyspark", plan, regions, 1_000)).collect()]
        told = answered(question, plan, rows, most=1_000, read_time=manifest.read_time, source="archive")
        of_ledger = await desk.ask(question, subtree(0))
        assert told.lines == of_ledger.lines
        assert told.total == of_ledger.total
        found = {(line.keys, tuple(line.sums[part] for part in plan.parts)) for line in told.lines}
        assert found == counted(plan, _ROWS, settings.figures.counting, regions)
    assert spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() == 3, "the driver and two workers"
