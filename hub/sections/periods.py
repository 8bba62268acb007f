"""The ``[periods]`` section of the settings."""

from typing import Annotated

from pydantic import Field

from exchange_db.period_kinds import PeriodKind
from hub.sections.base import Section

_Hours = Annotated[float, Field(ge=0, le=8_760)]
_USUAL = (
    PeriodKind.EVALUATION_WEEK,
    PeriodKind.MONTH,
    PeriodKind.QUARTER,
    PeriodKind.HALF_YEAR,
    PeriodKind.YEAR,
)


class PeriodsPart(Section):
    """When figures of a period are gathered and frozen. No source names these hours; they are a city's to settle."""

    frozen: tuple[PeriodKind, ...] = Field(default=_USUAL, description="Kinds of periods that are frozen")
    first_weekday: Annotated[int, Field(ge=1, le=7)] = Field(
        default=1, description="Day an evaluation week (考评周) begins on, 1 for Monday"
    )
    gather_hours: _Hours = Field(default=24.0, description="Hours after a month's end until it is looked who has sent")
    day_hours: _Hours = Field(default=12.0, description="Hours after its end until a day is frozen")
    week_hours: _Hours = Field(default=24.0, description="Hours after its end until a week of either kind is frozen")
    month_hours: _Hours = Field(default=72.0, description="Hours after its end until a month is frozen")
    quarter_hours: _Hours = Field(default=120.0, description="Hours after its end until a quarter is frozen")
    half_year_hours: _Hours = Field(default=240.0, description="Hours after its end until a half-year is frozen")
    year_hours: _Hours = Field(default=480.0, description="Hours after its end until a year is frozen")
    catch_up_count: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=24, description="Periods of a kind that are frozen at most when a hub was down or is new, latest first"
    )
    work_seconds: Annotated[float, Field(gt=0)] = Field(
        default=600.0, description="Time between looks for periods due, late changes and sheets not yet checked"
    )
    correction_hours: _Hours = Field(
        default=24.0, description="Least hours between two corrections of a period that is not locked"
    )
    kept_days: Annotated[int, Field(ge=1, le=366)] = Field(
        default=7, description="Days for which every revision of a sheet is kept; of earlier days the last one"
    )

    def hours_of(self, kind: PeriodKind) -> float:
        """Returns after how many hours a period of a kind is frozen."""
        name = "week" if kind is PeriodKind.EVALUATION_WEEK else kind
        return float(getattr(self, f"{name}_hours"))
