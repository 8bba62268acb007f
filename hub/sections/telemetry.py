"""The ``[log]`` and ``[traces]`` sections of the settings: what a hub tells about itself while it works."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from hub.sections.base import Section


class LogPart(Section):
    """How the log on standard error looks."""

    format: Literal["text", "json"] = Field(
        default="text", description="text for people, json for machines: one object a line"
    )
    has_records: bool = Field(
        default=False, description="Write a line for every record at intake, apply and delivery; for finding a fault"
    )


class TracesPart(Section):
    """OpenTelemetry traces of records on their way, sent by OTLP over HTTP. A trace spans all tiers that trace."""

    collector: str = Field(
        default="", description="Address of the collector, for example http://127.0.0.1:4318/v1/traces; empty: none"
    )
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.01, description="Share of the records that are traced; every hub chooses the same ones"
    )

    @model_validator(mode="after")
    def _is_address(self) -> Self:
        parts = urlsplit(self.collector)
        if self.collector and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError("collector must be an http or https address, for example http://127.0.0.1:4318/v1/traces")
        return self
