"""The ``[health]`` section of the settings: how a hub proves that its links work, and when it calls itself unwell."""

from typing import Annotated

from pydantic import Field

from hub.sections.base import Section


class HealthPart(Section):
    """How a hub proves that its links work, and when it calls itself unwell."""

    canary_seconds: Annotated[float, Field(ge=0)] = Field(
        default=60.0, description="Time between canaries on a link; 0 sends none, those of neighbours are answered"
    )
    least_free_megabytes: Annotated[int, Field(ge=0)] = Field(
        default=1_000, description="Free space of the store's disk below which deep health is not well"
    )
