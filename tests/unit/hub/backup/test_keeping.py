"""Which backups are kept, how long logs must be, and how the doctor judges."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from exchange_db.backups import Backup
from exchange_db.restores import Incarnation
from exchange_db.retention import KINDS
from hub.backup.expiring import months_before
from hub.backup.keeping import kept_of
from hub.cli.examination import backup_findings, disk_finding, lag_finding, restore_findings
from hub.cli.inspection import DOUBTFUL, GOOD, WRONG
from hub.sections.backup import BackupPart, RetentionPart
from hub.settings import HubPart, Settings

_NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)


def test_the_newest_of_each_day_week_and_month_is_kept() -> None:
    part = BackupPart(kept_daily=3, kept_weekly=2, kept_monthly=3)
    made = {f"{day:03d}{hour}": _NOW - timedelta(days=day, hours=hour) for day in range(70) for hour in (0, 1)}
    kept = kept_of(made, part)
    assert {"0000", "0010", "0020"} <= kept
    assert "0001" not in kept
    months = sorted({(made[name].year, made[name].month) for name in kept})
    assert months == [(2026, 9), (2026, 10), (2026, 11)]
    assert len(kept) <= 8
    assert kept_of({}, part) == set()


def test_the_only_backup_is_kept_however_old() -> None:
    assert kept_of({"a": _NOW - timedelta(days=4_000)}, BackupPart()) == {"a"}


@pytest.mark.parametrize("name", ["deliveries", "quarantine", "job_runs", "link_days", "unmaskings"])
def test_no_log_is_kept_for_less_than_the_law_wants(name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name} = 5：日志依法至少保存 6 个月"):
        RetentionPart(**{name: 5})
    assert getattr(RetentionPart(**{name: 6}), name) == 6
    assert getattr(RetentionPart(), name) == 0


@pytest.mark.parametrize("name", ["alerts", "alert_notices", "alert_silences"])
def test_alerts_are_logs_that_go_after_three_years(name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name} = 5：日志依法至少保存 6 个月"):
        RetentionPart(**{name: 5})
    assert getattr(RetentionPart(), name) == 36


@pytest.mark.parametrize("name", ["outages", "maintenance_windows"])
def test_what_a_years_availability_is_computed_from_is_kept_for_that_year(name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name} = 12：年度可用率由其计算，至少保存 13 个月"):
        RetentionPart(**{name: 12})
    assert getattr(RetentionPart(**{name: 13}), name) == 13
    assert getattr(RetentionPart(**{name: 0}), name) == 0


def test_every_kind_has_its_months() -> None:
    assert {kind.name for kind in KINDS} == RetentionPart.model_fields.keys() - {"expire_hours"}


def test_months_are_counted_by_the_calendar() -> None:
    assert months_before(_NOW, 6) == datetime(2026, 5, 1, tzinfo=UTC)
    assert months_before(_NOW, 11) == datetime(2025, 12, 1, tzinfo=UTC)


def _backup(hours: float, verified: datetime | None = _NOW, trouble: str = "") -> Backup:
    began = _NOW - timedelta(hours=hours)
    return Backup("one", "dump", "kept", "/kept/one", began, began, 1, 1, 0, "", verified, "", trouble)


@pytest.mark.parametrize(
    ("newest", "marks"),
    [
        (None, [WRONG]),
        (_backup(60), [WRONG]),
        (_backup(3), [GOOD]),
        (_backup(3, None), [GOOD, DOUBTFUL]),
        (_backup(3, _NOW, "rows ≠"), [GOOD, WRONG]),
    ],
)
def test_the_doctor_judges_backups(newest: Backup | None, marks: list[str]) -> None:
    part = BackupPart(folder=Path("/kept"), public_key=Path("/keys/backup.pub"))
    settings = Settings(hub=HubPart(id="431200.hub", name="怀化"), backup=part)
    assert [finding.mark for finding in backup_findings(newest, settings, _NOW)] == marks
    unset = Settings(hub=HubPart(id="431200.hub", name="怀化"))
    assert [finding.mark for finding in backup_findings(newest, unset, _NOW)] == [WRONG]


def test_the_doctor_judges_disks_lateness_and_restores() -> None:
    assert [disk_finding("x", Path("/"), free).mark for free in (0.5, 0.08, 0.01)] == [GOOD, DOUBTFUL, WRONG]
    assert [lag_finding(9, seconds).mark for seconds in (1.0, 61.0)] == [GOOD, WRONG]
    incarnation = Incarnation(1, "one", _NOW, 7, _NOW, is_asked=False, closed_time=None)
    assert [finding.mark for finding in restore_findings(incarnation)] == [WRONG]
    assert [finding.mark for finding in restore_findings(incarnation._replace(is_asked=True))] == [DOUBTFUL]
    assert list(restore_findings(None)) == []
