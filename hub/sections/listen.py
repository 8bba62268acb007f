"""The ``[listen]`` section of the settings."""

from typing import Annotated

from pydantic import Field

from hub.sections.base import Section


class ListenPart(Section):
    """Where neighbours and platforms connect."""

    host: str = Field(default="0.0.0.0", description="Address to listen on")  # noqa: S104 — a hub serves its network
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(default=7443, description="Port for gRPC")
    public_address: str = Field(
        default="", description="host:port at which neighbours can dial this hub; empty when it only dials out"
    )
    has_reflection: bool = Field(default=False, description="Offer gRPC reflection to registered certificates")
    shares_port: bool = Field(
        default=False, description="Let several processes of this hub listen on its ports together, on one machine"
    )
    notice_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        default=0.0,
        description="Time a process that is told to stop says NOT_SERVING before it takes no more, for load balancers",
    )
