"""Settings of one hub: a TOML file plus ``SANJI_…`` variables (``SANJI_LISTEN__PORT=7443``), read once, frozen.

Unknown names are refused, and no secret has a default. ``docs/settings.md`` lists every one.
"""

import json
import socket
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, PrivateAttr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connectors.crs import frame_of
from exchange_db.counting import Anchor, CountingRules
from exchange_db.regions import PLATFORM_ID, parse_region
from hub.sections.alerts import AlertsPart, MailPart
from hub.sections.audit import ApprovalsPart, AuditPart
from hub.sections.backup import BackupPart, RetentionPart
from hub.sections.base import Section
from hub.sections.console import ConsolePart
from hub.sections.database import DatabasePart
from hub.sections.documents import DocumentsPart
from hub.sections.evaluation import EvaluationPart
from hub.sections.evidence import EvidencePart
from hub.sections.files import FilesPart
from hub.sections.followup import FollowupPart
from hub.sections.health import HealthPart
from hub.sections.joining import JoiningPart
from hub.sections.limits import LimitsPart
from hub.sections.links import LinksPart
from hub.sections.listen import ListenPart
from hub.sections.periods import PeriodsPart
from hub.sections.personal import PersonalPart
from hub.sections.questions import ArchivePart, QuestionsPart
from hub.sections.reconcile import ReconcilePart
from hub.sections.reports import ReportsPart
from hub.sections.storage import StoragePart
from hub.sections.telemetry import LogPart, TracesPart

Role = Literal["intake", "apply", "deliver", "schedule", "console"]
ROLES: tuple[Role, ...] = ("intake", "apply", "deliver", "schedule", "console")


class HubPart(Section):
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


class RestPart(Section):
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


class TlsPart(Section):
    """Certificate of this hub and the authority of the federation, as PEM files."""

    authority: Path = Field(
        default=Path("keys/authority.pem"), description="Certificates of the federation's authority"
    )
    certificate: Path = Field(default=Path("keys/hub.pem"), description="Certificate of this hub")
    key: Path = Field(default=Path("keys/hub.key"), description="Private key of this hub")


class SigningPart(Section):
    """How this hub signs the batches it sends. Which signatures a link demands is kept with the neighbour."""

    keys: tuple[Path, ...] = Field(
        default=(), description="Private keys batches are signed with, one an algorithm; sanji keys signing makes them"
    )
    validity_seconds: Annotated[int, Field(ge=10, le=86_400)] = Field(
        default=600, description="How long the signature of a batch holds after it was made"
    )


class ApplyPart(Section):
    """How records are applied."""

    lanes: Annotated[int, Field(ge=1, le=16)] = Field(default=2, description="Lanes of this process")
    run_size: Annotated[int, Field(ge=1, le=20_000)] = Field(
        default=4_000, description="Records in one transaction, about"
    )


class LifePart(Section):
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


class DeliverPart(Section):
    """How parcels go out."""

    batch_size: Annotated[int, Field(ge=1, le=2_000)] = Field(default=1_000, description="Parcels in a batch")
    window: Annotated[int, Field(ge=1, le=8)] = Field(default=4, description="Batches that may wait for their answer")
    backoff_first_seconds: Annotated[float, Field(gt=0)] = Field(default=1.0, description="First pause after a failure")
    backoff_cap_seconds: Annotated[float, Field(gt=0)] = Field(default=300.0, description="Longest pause")
    answer_timeout_seconds: Annotated[float, Field(gt=0)] = Field(
        default=30.0, description="Longest wait for an answer"
    )
    heartbeat_seconds: Annotated[float, Field(gt=0)] = Field(default=15.0, description="Time between signs of life")


Minutes = Annotated[int, Field(ge=0, le=100_000)]


class FiguresPart(Section):
    """How cases are counted and when sheets are drawn. Open questions of the rule come first; a limit is of a stage."""

    zone: str = Field(default="Asia/Shanghai", description="Zone in which months begin")
    anchor: Anchor = Field(default=Anchor.CLOSE_REQUEST_TIME, description="Moment that decides on time or late")
    is_equal_on_time: bool = Field(default=True, description="A moment equal to the deadline is in time")
    is_midnight_next_month: bool = Field(default=True, description="The first instant of a month belongs to it")
    is_self_handled_counted: bool = Field(default=False, description="What was fixed on the spot is filed and closed")
    acceptance_minutes: Minutes = Field(default=15, description="Limit of acceptance, natural minutes; unverified")
    verification_minutes: Minutes = Field(default=30, description="Limit of the check before filing; unverified")
    filing_minutes: Minutes = Field(default=15, description="Limit of filing after acceptance; unverified")
    dispatch_minutes: Minutes = Field(default=15, description="Limit of dispatching after filing; unverified")
    check_dispatch_minutes: Minutes = Field(default=15, description="Limit of sending the check out; unverified")
    check_minutes: Minutes = Field(default=30, description="Limit of the check of disposal; unverified")
    is_suspended_excluded: bool = Field(default=False, description="Leave suspended cases out of the denominator")
    profile: str = Field(default="national", description="Metric profile of this hub's indicators")
    draws_sheets: bool | None = Field(default=None, description="Draw sheets for the hub above; default: cities do")
    fold_seconds: Annotated[float, Field(gt=0)] = Field(default=30.0, description="Time between folds")
    check_hour: Annotated[int, Field(ge=0, le=23)] = Field(default=3, description="Hour in which figures are proved")
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
        return CountingRules(**{name: getattr(self, name) for name in CountingRules.__struct_fields__})


class ComponentsPart(Section):
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


class StandardsPart(Section):
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


class IntermediatePart(Section):
    """Partners whose database is the link to them; each has a file of its own in the folder."""

    folder: Path = Field(default=Path("links"), description="Folder of the link files")


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
    joining: JoiningPart = JoiningPart()
    tls: TlsPart = TlsPart()
    signing: SigningPart = SigningPart()
    apply: ApplyPart = ApplyPart()
    life: LifePart = LifePart()
    deliver: DeliverPart = DeliverPart()
    figures: FiguresPart = FiguresPart()
    periods: PeriodsPart = PeriodsPart()
    questions: QuestionsPart = QuestionsPart()
    archive: ArchivePart = ArchivePart()
    standards: StandardsPart = StandardsPart()
    evidence: EvidencePart = EvidencePart()
    documents: DocumentsPart = DocumentsPart()
    followup: FollowupPart = FollowupPart()
    console: ConsolePart = ConsolePart()
    components: ComponentsPart = ComponentsPart()
    intermediate: IntermediatePart = IntermediatePart()
    reconcile: ReconcilePart = ReconcilePart()
    links: LinksPart = LinksPart()
    files: FilesPart = FilesPart()
    audit: AuditPart = AuditPart()
    approvals: ApprovalsPart = ApprovalsPart()
    limits: LimitsPart = LimitsPart()
    personal: PersonalPart = PersonalPart()
    reports: ReportsPart = ReportsPart()
    backup: BackupPart = BackupPart()
    retention: RetentionPart = RetentionPart()
    alerts: AlertsPart = AlertsPart()
    mail: MailPart = MailPart()
    health: HealthPart = HealthPart()
    log: LogPart = LogPart()
    traces: TracesPart = TracesPart()
    evaluation: EvaluationPart = EvaluationPart()
    storage: StoragePart = StoragePart()
    #: What the settings file names, as ``listen.port``.
    _named: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def named_in_file(self) -> frozenset[str]:
        """What the settings file names, as ``listen.port``; nothing where they were made without a file."""
        return self._named

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
    settings._named = frozenset(f"{section}.{name}" for section, part in values.items() for name in part)  # noqa: SLF001
    folder = path.resolve().parent

    def absolute(part: Any, names: tuple[str, ...]) -> Any:
        named = {name: path for name in names if (path := getattr(part, name)) is not None}
        return part.model_copy(update={name: folder / path.expanduser() for name, path in named.items()})

    return settings.model_copy(
        update={
            "database": absolute(settings.database, ("folder",)),
            "archive": absolute(settings.archive, ("path",)),
            "console": absolute(settings.console, ("certificate", "key", "wrapping_key")),
            "intermediate": absolute(settings.intermediate, ("folder",)),
            "files": absolute(settings.files, ("folder",)),
            "evidence": absolute(settings.evidence, ("folder", "spool_folder")),
            "reports": absolute(settings.reports, ("templates", "names", "lines")),
            "backup": absolute(
                settings.backup,
                ("folder", "public_key", "recovery_key", "passphrase", "wal_folder", "tools", "scratch"),
            ),
            "tls": absolute(settings.tls, ("authority", "certificate", "key")),
            "signing": settings.signing.model_copy(
                update={"keys": tuple(folder / path.expanduser() for path in settings.signing.keys)}
            ),
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
        assert issubclass(part, Section)  # noqa: S101
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
