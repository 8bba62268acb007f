"""The ``[joining]`` section of the settings: how neighbours are entered."""

from typing import Annotated

from pydantic import Field, field_validator

from hub.sections.base import Section


class JoiningPart(Section):
    """How neighbours are entered that accept an invitation of this hub."""

    needs_confirmation: bool = Field(
        default=True,
        description="Refuse who has joined until sanji peers confirm, which compares the thumbprint of its certificate",
    )
    kit_listen: str = Field(
        default="",
        description="host:port at which the hub stands in for itself while a new platform is put to the test, for"
        " example 0.0.0.0:7445; empty to test none from the console",
    )
    kit_patience_seconds: Annotated[float, Field(ge=1, le=3_600)] = Field(
        default=300.0, description="Longest wait for one thing a platform under test is asked for"
    )

    @field_validator("kit_listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value and not (host and port.isascii() and port.isdecimal() and int(port) <= 65_535):
            raise ValueError("must be host:port, for example 0.0.0.0:7445")
        return value
