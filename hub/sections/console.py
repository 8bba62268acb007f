"""The ``[console]`` section of the settings: where people reach the hub, and how long they stay signed on."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from hub.sections.base import Section

_NEAR = frozenset({"127.0.0.1", "::1", "localhost"})


class ConsolePart(Section):
    """The pages for people, and sign-on. People sign on unless `open_on_loopback` is set.

    Without a certificate the address must be this machine's: a proxy on it brings TLS, and `origin` names its address.
    """

    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(default=7480, description="Port for the browser")
    open_on_loopback: bool = Field(
        default=False, description="Let everybody on this machine read without signing on; for demonstrations"
    )
    origin: str = Field(
        default="",
        description="Address people use, for example https://chengguan.example.gov.cn; empty for this machine's own",
    )
    certificate: Path | None = Field(default=None, description="Certificate for browsers, as PEM file")
    key: Path | None = Field(default=None, description="Private key of that certificate")
    is_behind_proxy: bool = Field(
        default=False, description="A proxy on this machine names callers in X-Forwarded-For, and its last is believed"
    )
    wrapping_key: Path = Field(
        default=Path("keys/wrapping.key"), description="Key that wraps secrets in the database; made when missing"
    )
    session_idle_minutes: Annotated[int, Field(ge=1, le=480)] = Field(
        default=30, description="Minutes after which an unused session ends"
    )
    session_hours: Annotated[int, Field(ge=1, le=24)] = Field(
        default=10, description="Hours after which a session ends in any case"
    )

    @field_validator("origin")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        is_plain = value == f"{parts.scheme}://{parts.netloc}" and parts.username is None and bool(parts.hostname)
        if value and not (is_plain and (parts.scheme == "https" or parts.hostname in _NEAR)):
            raise ValueError("must be https://host or https://host:port, nothing after it")
        return value

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key are set together or not at all")
        if self.host not in _NEAR and self.certificate is None:
            raise ValueError("host must be 127.0.0.1, ::1 or localhost unless there is a certificate")
        if self.host not in _NEAR and self.open_on_loopback:
            raise ValueError("open_on_loopback needs host 127.0.0.1, ::1 or localhost")
        return self

    @property
    def scheme(self) -> str:
        """``https`` when the console has a certificate of its own."""
        return "http" if self.certificate is None else "https"

    @property
    def idle(self) -> timedelta:
        """How long a session holds without use."""
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def absolute(self) -> timedelta:
        """How long a session holds in any case."""
        return timedelta(hours=self.session_hours)
