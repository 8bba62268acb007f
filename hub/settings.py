"""Settings of one hub: a TOML file plus ``SANJI_…`` variables (``SANJI_LISTEN__PORT=7443``), read once, frozen.

Unknown names are refused, and no secret has a default. ``docs/settings.md`` lists every one.
"""

import json
import socket
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connectors.crs import frame_of
from exchange_db.attachment_records import parse_rule
from exchange_db.counting import Anchor, CountingRules
from exchange_db.regions import PLATFORM_ID, parse_region

Port = Annotated[int, Field(ge=0, le=65_535)]
Role = Literal["intake", "apply", "deliver", "schedule", "console"]
ROLES: tuple[Role, ...] = ("intake", "apply", "deliver", "schedule", "console")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HubPart(_Part):
    """Who this hub is."""

    id: str = Field(description="Name of the hub, its region first, for example 431200.hub")
    name: str = Field(description="Name shown to people, for example 怀化市枢纽")
    instance: str = Field(
        default_factory=socket.gethostname, description="Name of this process, the same after a restart"
    )

    @field_validator("id")
    @classmethod
    def _is_platform_name(cls, value: str) -> str:
        if not PLATFORM_ID.match(value):
            raise ValueError("must be <6 digits>.<name>, for example 431200.hub")
        return value

    @property
    def region(self) -> int:
        """Region of the hub, read off its name."""
        return parse_region(self.id[:6])


class DatabasePart(_Part):
    """Where the ledger lies: a server of one's own by url, or a folder for the embedded one."""

    url: SecretStr | None = Field(
        default=None, description="postgresql://user:password@host/database of your own server (15 or later)"
    )
    folder: Path = Field(
        default=Path("data/postgres"), description="Data folder of the embedded server, used when url is empty"
    )
    name: str = Field(default="sanji", description="Database on the embedded server")


class ListenPart(_Part):
    """Where neighbours and platforms connect."""

    host: str = Field(default="0.0.0.0", description="Address to listen on")  # noqa: S104 — a hub serves its network
    port: Port = Field(default=7443, description="Port for gRPC")
    public_address: str = Field(
        default="", description="host:port at which neighbours can dial this hub; empty when it only dials out"
    )
    has_reflection: bool = Field(default=False, description="Offer gRPC reflection to registered certificates")


class RestPart(_Part):
    """Signed JSON over TLS, for platforms that cannot speak gRPC. It shows the same certificate."""

    listen: str = Field(
        default="", description="host:port to offer REST on, for example 0.0.0.0:7444; empty to offer none"
    )

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value and not (host and port.isascii() and port.isdecimal() and int(port) <= 65_535):
            raise ValueError("must be host:port, for example 0.0.0.0:7444")
        return value


class TlsPart(_Part):
    """Certificate of this hub and the authority of the federation, as PEM files."""

    authority: Path = Field(
        default=Path("keys/authority.pem"), description="Certificates of the federation's authority"
    )
    certificate: Path = Field(default=Path("keys/hub.pem"), description="Certificate of this hub")
    key: Path = Field(default=Path("keys/hub.key"), description="Private key of this hub")


class ApplyPart(_Part):
    """How records are applied."""

    lanes: Annotated[int, Field(ge=1, le=16)] = Field(default=2, description="Lanes of this process")
    run_size: Annotated[int, Field(ge=1, le=20_000)] = Field(
        default=4_000, description="Records in one transaction, about"
    )


class LifePart(_Part):
    """What steps of a case must bring along, where records enter at this hub. Seen in single cities, unverified."""

    most_extensions: Annotated[int, Field(ge=0, le=99)] = Field(default=2, description="Extensions of one case")
    approval_count: Annotated[int, Field(ge=0, le=2)] = Field(
        default=2, description="Posts that approve a suspension or review an appeal"
    )
    longest_suspension_days: Annotated[int, Field(ge=1, le=3_660)] = Field(
        default=366, description="Longest suspension, in natural days"
    )
    deadline_lead_minutes: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=120, description="How long before its deadline a case is announced"
    )
    long_suspension_days: Annotated[int, Field(ge=1, le=3_660)] = Field(
        default=60, description="Days after which a suspended case is told to be 积存"
    )
    duplicate_metres: Annotated[float, Field(ge=0, le=10_000)] = Field(
        default=50.0, description="Most metres between a case and one it may repeat"
    )
    duplicate_hours: Annotated[int, Field(ge=1, le=720)] = Field(
        default=24, description="Most hours between a report and the one it may repeat"
    )
    watch_seconds: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="Time between looks at deadlines, suspensions and duplicates"
    )


class DeliverPart(_Part):
    """How parcels go out."""

    batch_size: Annotated[int, Field(ge=1, le=2_000)] = Field(default=1_000, description="Parcels in a batch")
    window: Annotated[int, Field(ge=1, le=8)] = Field(default=4, description="Batches that may wait for their answer")
    backoff_first_seconds: Annotated[float, Field(gt=0)] = Field(default=1.0, description="First pause after a failure")
    backoff_cap_seconds: Annotated[float, Field(gt=0)] = Field(default=300.0, description="Longest pause")
    answer_timeout_seconds: Annotated[float, Field(gt=0)] = Field(
        default=30.0, description="Longest wait for an answer"
    )
    heartbeat_seconds: Annotated[float, Field(gt=0)] = Field(default=15.0, description="Time between signs of life")


class FiguresPart(_Part):
    """How cases are counted and when sheets are drawn. The first four are open questions of the rule."""

    zone: str = Field(default="Asia/Shanghai", description="Zone in which months begin")
    anchor: Anchor = Field(default=Anchor.CLOSE_REQUEST_TIME, description="Moment that decides on time or late")
    is_equal_on_time: bool = Field(default=True, description="A moment equal to the deadline is in time")
    is_midnight_next_month: bool = Field(default=True, description="The first instant of a month belongs to it")
    is_suspended_excluded: bool = Field(default=False, description="Leave suspended cases out of the denominator")
    draws_sheets: bool | None = Field(default=None, description="Draw sheets for the hub above; default: cities do")
    fold_seconds: Annotated[float, Field(gt=0)] = Field(default=30.0, description="Time between folds")
    sheet_seconds: Annotated[float, Field(gt=0)] = Field(default=300.0, description="Time between looks for sheets due")

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, ZoneInfoNotFoundError):
            raise ValueError("must be a zone of the IANA list, for example Asia/Shanghai") from None
        return value

    @property
    def counting(self) -> CountingRules:
        """The rules in the form the counting functions take."""
        return CountingRules(self.zone, self.anchor, self.is_equal_on_time, self.is_midnight_next_month)


class ComponentsPart(_Part):
    """Components, and how they are given out for other uses."""

    local_frame: str = Field(
        default="",
        description="PROJ string of the city's own plane frame in metres, as its surveyors give it; empty for none",
    )
    calls_per_minute: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=120, description="Questions about components a neighbour may ask in a minute, in each process"
    )

    @field_validator("local_frame")
    @classmethod
    def _is_frame(cls, value: str) -> str:
        if value:
            frame_of(value)
        return value


class StandardsPart(_Part):
    """How releases of standards come from above and go below, what classes are taken, how deadlines are counted."""

    unlisted: tuple[str, ...] = Field(
        default=(), description="Standards whose codes are taken unseen because nobody lists them; * for all"
    )
    accepts: tuple[str, ...] = Field(default=(), description="The only standards this hub takes; empty for any")

    is_day_end: bool = Field(
        default=False, description="Working days end with the working day instead of keeping the time of day"
    )
    are_steps_consecutive: bool = Field(
        default=False, description="A later step of a limit begins when the one before ends, not with the first"
    )
    pull_seconds: Annotated[float, Field(gt=0)] = Field(
        default=3_600.0, description="Time between pulls; an announcement from above is followed at once"
    )
    announce_seconds: Annotated[float, Field(gt=0)] = Field(
        default=300.0, description="Time between looks for hubs below that were not yet told"
    )


class EvidencePart(_Part):
    """Where photos, sound and film that cases name are kept, how large they may be, and who gets them.

    A rule is `<neighbour>:<kind>`: `parent`, `child` or a name, and `before_near`, `before_far`, `reference`, `after`,
    `check`, `voice`, `video` or `*`. Photos may show faces and plates, so nothing goes up unless a rule says so.
    """

    folder: Path = Field(default=Path("data/attachments"), description="Folder of the store, used without a bucket")
    spool_folder: Path = Field(
        default=Path("data/attachments-arriving"), description="Folder for what is still arriving, on a local disk"
    )
    s3_bucket: str = Field(default="", description="Bucket with the S3 interface, in place of the folder")
    s3_endpoint: str = Field(default="", description="URL of the S3 interface; empty for the one of AWS")
    s3_region: str = Field(default="us-east-1", description="Region of the bucket, as its service names it")
    s3_access_key: SecretStr | None = Field(default=None, description="Access key of the bucket")
    s3_secret_key: SecretStr | None = Field(default=None, description="Secret key of the bucket")
    photo_megabytes: Annotated[int, Field(ge=1, le=1_000)] = Field(default=20, description="Largest photo")
    voice_megabytes: Annotated[int, Field(ge=1, le=1_000)] = Field(default=50, description="Largest sound")
    video_megabytes: Annotated[int, Field(ge=1, le=100_000)] = Field(default=500, description="Largest film")
    forward: tuple[str, ...] = Field(default=("child:*",), description="Rules: what a neighbour gets when it asks")
    fetch: tuple[str, ...] = Field(default=(), description="Rules: what this hub asks its neighbours for by itself")
    find_seconds: Annotated[float, Field(gt=0)] = Field(
        default=10.0, description="Time between looks for evidence that cases name"
    )
    fetch_seconds: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="Time between rounds of fetching what is missing"
    )
    fetch_pause_cap_seconds: Annotated[float, Field(gt=0)] = Field(
        default=21_600.0, description="Longest pause before the same attachment is asked for again"
    )
    scrub_seconds: Annotated[float, Field(gt=0)] = Field(default=3_600.0, description="Time between scrubs")
    scrub_megabytes: Annotated[int, Field(ge=1)] = Field(default=2_000, description="Bytes read again in one scrub")

    @field_validator("forward", "fetch")
    @classmethod
    def _are_rules(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            parse_rule(text)
        return value


class IntermediatePart(_Part):
    """Partners whose database is the link to them; each has a file of its own in the folder."""

    folder: Path = Field(default=Path("links"), description="Folder of the link files")


class ReconcilePart(_Part):
    """How links are compared with their other ends, day by day (对账)."""

    mark_seconds: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="Time between runs that mark what went over links"
    )
    compare_seconds: Annotated[float, Field(gt=0)] = Field(
        default=14_400.0, description="Time between comparisons with the neighbours this hub can dial"
    )
    recheck_days: Annotated[int, Field(ge=1, le=31)] = Field(
        default=7, description="Days before today whose records are read from disk again, once a day"
    )
    is_repairing: bool = Field(
        default=False,
        description="Send again at once what was lost; otherwise a person does it with sanji reconcile --repair",
    )


class ConsolePart(_Part):
    """The pages for people. Without sign-on they are served to this machine only."""

    host: Literal["127.0.0.1", "::1", "localhost"] = Field(default="127.0.0.1", description="Address, loopback only")
    port: Port = Field(default=7480, description="Port for the browser")


class Settings(BaseSettings):
    """All settings of one hub."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="SANJI_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    hub: HubPart
    database: DatabasePart = DatabasePart()
    listen: ListenPart = ListenPart()
    rest: RestPart = RestPart()
    tls: TlsPart = TlsPart()
    apply: ApplyPart = ApplyPart()
    life: LifePart = LifePart()
    deliver: DeliverPart = DeliverPart()
    figures: FiguresPart = FiguresPart()
    standards: StandardsPart = StandardsPart()
    evidence: EvidencePart = EvidencePart()
    console: ConsolePart = ConsolePart()
    components: ComponentsPart = ComponentsPart()
    intermediate: IntermediatePart = IntermediatePart()
    reconcile: ReconcilePart = ReconcilePart()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables win over the file."""
        return env_settings, init_settings


def read_settings(path: Path) -> Settings:
    """Reads the settings file; relative paths in it are meant from its folder.

    Raises:
        OSError: the file cannot be read.
        tomllib.TOMLDecodeError: it is not TOML.
        pydantic.ValidationError: a value is missing, unknown or does not fit.
    """
    values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    settings = Settings(**values)
    folder = path.resolve().parent

    def absolute(part: Any, names: tuple[str, ...]) -> Any:
        return part.model_copy(update={name: folder / getattr(part, name).expanduser() for name in names})

    return settings.model_copy(
        update={
            "database": absolute(settings.database, ("folder",)),
            "intermediate": absolute(settings.intermediate, ("folder",)),
            "evidence": absolute(settings.evidence, ("folder", "spool_folder")),
            "tls": absolute(settings.tls, ("authority", "certificate", "key")),
        }
    )


def as_markdown() -> str:
    """Returns ``docs/settings.md``."""
    lines = [
        "# Settings",
        "",
        "One TOML file a hub (`--config sanji.toml`). A variable `SANJI_<SECTION>__<NAME>` wins over the file, for",
        "example `SANJI_LISTEN__PORT=7443`. Relative paths are meant from the folder of the file. Unknown names are",
        "refused; no secret has a default. Drawn from `hub/settings.py` by `make docs`.",
    ]
    for section, field in Settings.model_fields.items():
        part = field.annotation
        assert isinstance(part, type)  # noqa: S101 — every section is a model
        assert issubclass(part, BaseModel)  # noqa: S101
        lines += ["", f"## [{section}]", "", part.__doc__ or "", "", "| name | default | meaning |", "|---|---|---|"]
        lines += [
            f"| `{name}` | {_default(known)} | {known.description} |" for name, known in part.model_fields.items()
        ]
    return "\n".join((*lines, ""))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "name of the machine"
    value = field.default
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{json.dumps(value)}`"
    return f"`{value}`" if isinstance(value, int | float) else f'`"{value}"`'


if __name__ == "__main__":
    print(as_markdown(), end="")
