"""The ``[files]`` section of the settings."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from hub.sections.base import Section


class FilesPart(Section):
    """Links that go by files, over a gap device (网闸) or carried by hand.

    A link has the folders `<folder>/<neighbour>/out` and `<folder>/<neighbour>/in`; each may be a link to another disk.
    """

    folder: Path = Field(default=Path("data/link-files"), description="Folder with a folder for each link by files")
    every_seconds: Annotated[float, Field(gt=0, le=86_400)] = Field(
        default=60.0, description="Time between looks at what came in and what is to go out"
    )
    max_bytes: Annotated[int, Field(ge=100_000, le=200_000_000)] = Field(
        default=32_000_000, description="Most bytes of records in one file, about"
    )
    again_hours: Annotated[float, Field(gt=0, le=8_760)] = Field(
        default=24.0, description="Hours after which an unanswered link writes a file without records, to notice a loss"
    )
    keep_days: Annotated[float, Field(ge=0, le=3_660)] = Field(
        default=30.0, description="Days files that were taken stay in `in/done`"
    )
