"""The ``[alerts]`` and ``[mail]`` sections of the settings: when people are told of alerts, and by what ways."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from exchange_db.alert_records import Severity
from exchange_db.sign_on_records import ProfileInvalid, read_address, require_web
from hub.sections.base import Section

_Seconds = Annotated[float, Field(gt=0)]


class Channel(Section):
    """A group's robot or a webhook. Its address is a secret: whoever has it can write to the group."""

    kind: Literal["webhook", "wecom", "dingtalk", "feishu"]
    url: SecretStr
    secret: SecretStr | None = None
    #: What may be dialled, as ``auth.egress`` wants it.
    addresses: tuple[str, ...]
    authority: str = ""
    #: Contacts of this level and the channel are told together; 0 only when a contact names it.
    level: Annotated[int, Field(ge=0, le=9)] = 1
    least: Severity = Severity.NOTICE

    @field_validator("url")
    @classmethod
    def _is_web(cls, value: SecretStr) -> SecretStr:
        try:
            require_web("url", value.get_secret_value())
        except ProfileInvalid:
            raise ValueError("must be an https address") from None
        return value

    @field_validator("addresses")
    @classmethod
    def _can_be_dialled(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _read(value)

    @model_validator(mode="after")
    def _is_signed(self) -> Self:
        if self.kind == "webhook" and self.secret is None:
            raise ValueError("a webhook needs a secret, its messages are signed with it")
        return self


def _read(addresses: tuple[str, ...]) -> tuple[str, ...]:
    for text in addresses:
        try:
            read_address(text)
        except ProfileInvalid as error:
            raise ValueError(str(error)) from None
    return addresses


class AlertsPart(Section):
    """When people are told of alerts. Rules are shipped as data and changed on the page; see docs/alerts.md.

    A channel is a section of its own, `[alerts.channels.NAME]`, with `kind` (`webhook`, `wecom`, `dingtalk`,
    `feishu`), `url`, `secret`, `addresses` (what may be dialled, as `10.1.2.3:443` or `10.1.0.0/16:443`),
    `authority`, `level` and `least` (the least severity it is told of).
    """

    watch_seconds: _Seconds = Field(default=5.0, description="Time between looks at everything rules watch")
    send_seconds: _Seconds = Field(default=2.0, description="Time between looks for notices to be sent")
    escalation_minutes: tuple[Annotated[float, Field(ge=0, le=10_080)], ...] = Field(
        default=(1.0, 15.0, 60.0),
        description="Minutes an alert stays untaken before contacts of level 1, 2, 3 and so on are told",
    )
    together: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=5, description="Notices for one address in one look; more become one summary"
    )
    gap_minutes: Annotated[float, Field(gt=0)] = Field(
        default=5.0, description="Time without a look after which the first one sends a summary only"
    )
    tries: Annotated[int, Field(ge=1, le=100)] = Field(default=12, description="Tries to send a notice")
    retry_seconds: _Seconds = Field(default=20.0, description="Pause after the first failed try; it doubles")
    channels: dict[str, Channel] = Field(default={}, description="Robots of groups and webhooks, by name")

    @field_validator("escalation_minutes")
    @classmethod
    def _rises(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not 1 <= len(value) <= 9 or any(later <= earlier for earlier, later in pairwise(value)):
            raise ValueError("must be 1 to 9 numbers that rise")
        return value

    @field_validator("channels")
    @classmethod
    def _are_named(cls, value: dict[str, Channel]) -> dict[str, Channel]:
        for name in value:
            if name == "mail" or not (name.isprintable() and 1 <= len(name) <= 40) or "|" in name:
                raise ValueError(f"{name!r} cannot be the name of a channel")
        return value


class MailPart(Section):
    """The mail server notices go out by. Without a host no mail is sent."""

    host: str = Field(default="", description="Name of the mail server, as its certificate has it")
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(default=587, description="Its port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`starttls`, `tls`, or `none` for a server on this machine"
    )
    addresses: tuple[str, ...] = Field(
        default=(), description="What may be dialled for it, as 10.1.2.3:587 or 10.1.0.0/16:587"
    )
    authority: str = Field(default="", description="PEM file of the authority of its certificate; empty for known ones")
    user: str = Field(default="", description="Name to sign on with; empty for none")
    password: SecretStr | None = Field(default=None, description="Password of that name")
    sender: str = Field(default="", description="Address notices come from, for example hub@chengguan.example.gov.cn")

    @field_validator("addresses")
    @classmethod
    def _can_be_dialled(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _read(value)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.host and not (self.addresses and "@" in self.sender):
            raise ValueError("host needs addresses and a sender")
        if self.security == "none" and self.host not in {"", "127.0.0.1", "::1", "localhost"}:
            raise ValueError("security none is for a server on this machine only")
        return self
