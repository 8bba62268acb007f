"""What the periods of reports are called in Chinese texts, and which number they have in their year. Pure."""

from exchange_db.period_kinds import PeriodKind
from hub.statistics.periods import MONTHS, Period

_WEEKS = {PeriodKind.WEEK: "周", PeriodKind.EVALUATION_WEEK: "考评周"}
_HALVES = ("上半年", "下半年")
_QUARTERS = ("一", "二", "三", "四")


def year_of(period: Period) -> int:
    """Returns the year a period belongs to; a week has its own years."""
    return int(period.name[:4])


def ordinal_of(period: Period) -> int:
    """Returns which one of its kind a period is in its year, from 1."""
    if period.kind in _WEEKS:
        return int(period.name[-2:])
    if period.kind is PeriodKind.DAY:
        return period.first_day.timetuple().tm_yday
    return (period.first_day.month - 1) // MONTHS[period.kind] + 1


def called(period: Period) -> str:
    """Returns what a period is called."""
    first, last = period.first_day, period.last_day
    match period.kind:
        case PeriodKind.DAY:
            return f"{first.year}年{first.month}月{first.day}日"
        case PeriodKind.WEEK | PeriodKind.EVALUATION_WEEK:
            days = f"{first.month}月{first.day}日至{last.month}月{last.day}日"
            return f"{year_of(period)}年第{ordinal_of(period)}{_WEEKS[period.kind]}（{days}）"
        case PeriodKind.MONTH:
            return f"{first.year}年{first.month}月"
        case PeriodKind.QUARTER:
            return f"{first.year}年{_QUARTERS[ordinal_of(period) - 1]}季度"
        case PeriodKind.HALF_YEAR:
            return f"{first.year}年{_HALVES[ordinal_of(period) - 1]}"
        case PeriodKind.YEAR:
            return f"{first.year}年"


def year_ago(period: Period) -> Period | None:
    """Returns what 同比 compares with; none of a year, whose year before is the period before already."""
    return None if period.kind is PeriodKind.YEAR else period.last_year
