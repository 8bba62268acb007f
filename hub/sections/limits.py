"""The ``[limits]`` section of the settings: how often and how slowly somebody may ask."""

from typing import Annotated

from pydantic import Field

from hub.sections.base import Section

PerMinute = Annotated[int, Field(ge=1, le=1_000_000)]


class LimitsPart(Section):
    """How often somebody may call, counted in each process over any minute. A stream counts once."""

    neighbour_calls_per_minute: PerMinute = Field(
        default=12_000, description="Calls of one neighbour, gRPC and REST apart"
    )
    person_calls_per_minute: PerMinute = Field(default=600, description="Pages one person may ask for")
    address_calls_per_minute: PerMinute = Field(
        default=3_000, description="Pages one address may ask for, whoever sits there"
    )
    connections_per_address: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=200, description="Connections one address may hold open, REST and console apart"
    )
    failures_per_minute: PerMinute = Field(
        default=300, description="Calls from one address that are not believed, before it is not listened to"
    )
