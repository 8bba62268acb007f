"""Settings of questions people put together, and of the archive they may be asked of."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from hub.sections.base import Section


class QuestionsPart(Section):
    """Questions people put together themselves, over facts of cases."""

    seconds: Annotated[float, Field(gt=0, le=3_600)] = Field(
        default=30.0, description="How long one question may take before it is given up"
    )
    most_groups: Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        default=20_000, description="Groups an answer may have; more is refused"
    )
    at_once: Annotated[int, Field(ge=1, le=64)] = Field(
        default=2, description="Questions a process works on at once; others wait their turn"
    )


class ArchivePart(Section):
    """Facts of cases as partitioned Parquet files, for questions about long periods. Off without a path."""

    path: Path | None = Field(default=None, description="Folder of the archive; without one nothing is archived")
    hours: Annotated[float, Field(gt=0, le=8_760)] = Field(default=24.0, description="Time between runs of the job")
    months: Annotated[int, Field(ge=0, le=1_200)] = Field(
        default=0, description="Months kept, by time of report; 0 keeps all the ledger has"
    )
    threads: Annotated[int, Field(ge=1, le=256)] = Field(default=2, description="Threads a question may use")
    megabytes: Annotated[int, Field(ge=64, le=1_000_000)] = Field(default=1_024, description="Memory one may use")
