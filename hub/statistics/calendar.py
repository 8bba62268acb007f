"""Which periods a hub works on: their kinds and cut-offs as they are set, and the basis their numbers come from.

Pure but for the settings it is made of. Called by ``hub.statistics`` and made from the settings wherever one of its
desks is.
"""

from datetime import UTC, date, datetime, timedelta

from exchange_db.counting import CountingRules, date_of, definition_of
from exchange_db.figures import Basis
from exchange_db.frozen_figures import FrozenRow, PeriodKey
from exchange_db.period_cells import Span
from exchange_db.period_kinds import PeriodKind
from exchange_db.records import Violated
from exchange_db.regions import Regions, Subtree, parse_region, spans_of, subtree
from hub.sections.periods import PeriodsPart
from hub.settings import Settings
from hub.statistics.periods import Period, PeriodInvalid, ended_periods, parse_period, period_at, period_of
from hub.statistics.sheets import draws_sheets


class HubCalendar:
    """The periods of one hub.

    Args:
        settings: all settings of the hub.
    """

    def __init__(self, settings: Settings) -> None:
        self.part: PeriodsPart = settings.periods
        self.rules: CountingRules = settings.figures.counting
        self.region: int = settings.hub.region
        self.regions: Subtree = subtree(self.region)
        self.hub_id: str = settings.hub.id
        self.draws: bool = draws_sheets(settings.figures.draws_sheets, self.region)
        self.first_weekday: int = self.part.first_weekday - 1

    @property
    def definition_ref(self) -> str:
        """Definitions this hub's counters follow."""
        return definition_of(self.rules)

    def parse(self, text: str) -> Period:
        """Reads a period.

        Raises:
            Violated: PERIOD_INVALID.
        """
        try:
            return parse_period(text, self.first_weekday)
        except PeriodInvalid:
            raise Violated("PERIOD_INVALID", "period", text) from None

    def asked(self, visible: Regions, region_code: str) -> Subtree:
        """Returns the regions asked for; a figure of a part would pass for one of the whole, so all must be visible.

        Raises:
            Violated: REGION_INVALID or REGION_FORBIDDEN.
        """
        try:
            regions = subtree(parse_region(region_code))
        except ValueError:
            raise Violated("REGION_INVALID", "region_code", region_code) from None
        if not any(regions.first in span and regions.last in span for span in spans_of(visible)):
            raise Violated("REGION_FORBIDDEN", "region_code", region_code)
        return regions

    def period(self, row: FrozenRow) -> Period:
        """Returns the period of a row; of an evaluation week the days it was frozen with, whatever is set today."""
        first = date_of(row.first_day)
        kind = PeriodKind(row.kind)
        is_set = kind is PeriodKind.EVALUATION_WEEK
        return period_of(kind, first, first.weekday() if is_set else 0)

    def at(self, kind: PeriodKind, moment: int) -> Period:
        """Returns the period of a kind that a moment (microseconds since 1970) belongs to."""
        return period_at(kind, moment, self.rules, self.first_weekday)

    def key(self, period: Period) -> PeriodKey:
        """Returns what a period is named by in the ledger."""
        return PeriodKey(self.region, period.kind, period.first)

    def span(self, period: Period, regions: Subtree | None = None) -> Span:
        """Returns the days of a period, and the regions asked for or all of this hub."""
        return Span(regions or self.regions, period.first, period.last, is_whole_months=period.months is not None)

    def basis(self, period: Period) -> Basis:
        """Returns where the numbers of a period come from.

        A hub that draws sheets counts its own cases; every other one takes sheets where there are some. Sheets are of
        months, so what is not made of months comes from the ledger everywhere.
        """
        return Basis.LEDGER if self.draws or period.months is None else Basis.CHOICE

    def due_time(self, period: Period) -> int:
        """Returns when a period is to be frozen, microseconds since 1970."""
        return period.bounds(self.rules)[1] + round(self.part.hours_of(period.kind) * 3_600_000_000)

    def periods_due(self, kind: PeriodKind, since: date, now: int, hours: float | None = None) -> list[Period]:
        """Returns the periods of a kind that ended so long ago that it is time, oldest first; the last ones only.

        Args:
            kind: their kind.
            since: a day in the first of them.
            now: microseconds since 1970.
            hours: how long after its end it is time; what is set for freezing without it.
        """
        after = self.part.hours_of(kind) if hours is None else hours
        moment = now - round(after * 3_600_000_000)
        found = list(ended_periods(kind, since, moment, self.rules, self.first_weekday))
        return found[-self.part.catch_up_count :]


def moment_of(microseconds: int) -> datetime:
    """Returns microseconds since 1970 as an aware time."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
