"""Settings of backups and of how long things are kept; ``hub.settings`` takes them in."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from exchange_db.retention import KINDS, LOG_MONTHS
from hub.sections.base import Section

#: Why a kind is kept for so many months at least.
_BY_LAW = ("日志依法至少保存 {} 个月（网络安全法第二十一条）", "a log is kept {} months at least by law")
_FOR_THE_YEAR = ("年度可用率由其计算，至少保存 {} 个月", "the account of a year is made of it: {} months at least")
Months = Annotated[int, Field(ge=0, le=1_200)]


class BackupPart(Section):
    """How this hub is backed up. Without a folder and a public key none is made and `sanji doctor` says so."""

    folder: Path | None = Field(default=None, description="Folder backups are written to, best on another machine")
    public_key: Path | None = Field(
        default=None, description="Public key backups are sealed to; sanji backup keys makes a pair"
    )
    recovery_key: Path | None = Field(
        default=None,
        description="Private key for trial restores by the job; empty leaves them to a machine that has it",
    )
    passphrase: Path | None = Field(default=None, description="File with the passphrase of the recovery key")
    kind: Literal["dump", "base"] = Field(
        default="dump", description="dump: one database, any server; base: a whole server, for point-in-time recovery"
    )
    hours: Annotated[float, Field(gt=0)] = Field(default=24.0, description="Hours between backups")
    verify_hours: Annotated[float, Field(gt=0)] = Field(default=168.0, description="Hours between trial restores")
    kept_daily: Annotated[int, Field(ge=1, le=366)] = Field(default=7, description="Days of which one backup is kept")
    kept_weekly: Annotated[int, Field(ge=0, le=520)] = Field(default=5, description="Weeks of which one is kept")
    kept_monthly: Annotated[int, Field(ge=0, le=240)] = Field(default=12, description="Months of which one is kept")
    wal_folder: Path | None = Field(
        default=None, description="Folder sealed WAL is archived to, for recovery to a point in time; empty for none"
    )
    wal_seconds: Annotated[float, Field(gt=0)] = Field(
        default=300.0, description="Time between fetches of WAL: what a restore may lack at most"
    )
    tools: Path | None = Field(default=None, description="Folder of pg_dump and pg_restore; empty to look for them")
    scratch: Path | None = Field(
        default=None, description="Folder for trial restores of base backups; empty for the system's temporary folder"
    )


class RetentionPart(Section):
    """How many months things are kept; 0 for ever. Logs are kept six months at least, outages thirteen.

    Source of the minimum: 网络安全法 art. 21 (network logs no less than six months).
    """

    deliveries: Months = Field(default=0, description="Technical receipts of links, a log")
    quarantine: Months = Field(default=0, description="Refused records that were closed, a log; open ones stay")
    job_runs: Months = Field(default=0, description="Runs of scheduled jobs, a log")
    link_days: Months = Field(default=0, description="Figures of the days of links, a log; days that differ stay")
    unmaskings: Months = Field(default=0, description="Permissions to see a case unmasked that have ended, a log")
    alerts: Months = Field(default=36, description="Alerts that have closed, with their story, a log; open ones stay")
    alert_notices: Months = Field(default=36, description="Notices of alerts that were sent or given up, a log")
    alert_silences: Months = Field(default=36, description="Silences of alerts that have ended, a log")
    outages: Months = Field(
        default=60, description="Outages of links that are over; 13 at least, for the year's account"
    )
    maintenance_windows: Months = Field(default=60, description="Planned maintenance that is over; 13 at least")
    expire_hours: Annotated[float, Field(gt=0)] = Field(default=24.0, description="Hours between runs of the job")

    @model_validator(mode="after")
    def _keeps_the_law(self) -> "RetentionPart":
        for kind in KINDS:
            months = getattr(self, kind.name)
            if 0 < months < kind.least_months:
                why, why_en = _BY_LAW if kind.least_months == LOG_MONTHS else _FOR_THE_YEAR
                raise ValueError(
                    f"{kind.name} = {months}：{why.format(kind.least_months)}，0 为永久"
                    f" / {why_en.format(kind.least_months)}, or 0 for ever"
                )
        return self
