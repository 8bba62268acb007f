"""The ``[links]`` section of the settings."""

from typing import Annotated

from pydantic import Field

from hub.sections.base import Section


class LinksPart(Section):
    """How links are watched for the availability ledger."""

    watch_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        default=5.0, description="Time between looks at silent neighbours and at what waits"
    )
    silent_seconds: Annotated[float, Field(ge=1)] = Field(
        default=60.0, description="Silence of a neighbouring hub after which it counts as away, from its last word on"
    )
    greet_seconds: Annotated[float, Field(gt=0)] = Field(
        default=21_600.0, description="Time between questions to neighbours which contract and software they have"
    )
