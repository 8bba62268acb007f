"""Kinds of periods. Called by the settings, ``hub.statistics`` and everything that names a period."""

from enum import StrEnum


class PeriodKind(StrEnum):
    """Kinds of periods; the words are stored."""

    DAY = "day"
    WEEK = "week"
    EVALUATION_WEEK = "evaluation_week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"
