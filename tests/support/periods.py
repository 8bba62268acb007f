"""A city whose periods are frozen and corrected, without its processes."""

from typing import Any, NamedTuple

from auth.principal import Principal
from connectors.wire import read_parcel
from exchange_db import figure_corrections, frozen_figures
from exchange_db.figure_corrections import CorrectionLine
from exchange_db.period_cells import KEPT
from exchange_db.records import FigureSheet
from exchange_db.session import Ledger
from hub.apply.replaying import changed_cases
from hub.clock import system_clock
from hub.sections.periods import PeriodsPart
from hub.settings import FiguresPart, HubPart, Settings
from hub.statistics.calendar import HubCalendar
from hub.statistics.corrections import CorrectionDesk
from hub.statistics.fold import FigureFold
from hub.statistics.freezing import Freezer
from hub.statistics.locking import LockDesk
from tests.support.applied import Written, apply_records, apply_waiting, take_in
from tests.support.builders import CITY, PROVINCE
from tests.support.clock import FakeClock


def settings_of(hub_id: str = CITY, figures: dict[str, Any] | None = None, **periods: Any) -> Settings:
    """Settings of a hub; corrections are published without waiting unless a test says otherwise."""
    part = PeriodsPart(**{"correction_hours": 0} | periods)
    return Settings(hub=HubPart(id=hub_id, name="怀化"), periods=part, figures=FiguresPart(**figures or {}))


class City(NamedTuple):
    """The desks of one hub over one ledger."""

    ledger: Ledger
    clock: FakeClock
    settings: Settings
    calendar: HubCalendar
    freezer: Freezer
    corrections: CorrectionDesk
    locks: LockDesk

    @classmethod
    def over(cls, ledger: Ledger, clock: FakeClock, settings: Settings | None = None) -> "City":
        """Puts the desks together."""
        settings = settings or settings_of()
        calendar = HubCalendar(settings)
        return cls(
            ledger, clock, settings, calendar, Freezer(ledger, calendar, clock),
            CorrectionDesk(ledger, calendar, clock, changed_cases), LockDesk(ledger, calendar, clock),
        )  # fmt: skip

    async def apply(self, *records: Written) -> None:
        """Takes records in, applies and folds them."""
        await apply_records(self.ledger, *records, rules=self.calendar.rules)
        await FigureFold(self.ledger).run()

    async def correct(self, text: str) -> list[tuple[str, dict[str, int], int]]:
        """Publishes what differs, and returns of the correction of a period: reason, what changed, how many cases."""
        await self.corrections.run()
        key = self.calendar.key(self.calendar.parse(text))
        async with self.ledger.read() as session:
            published = await figure_corrections.listing(session, key)
            if not published:
                return []
            lines = await figure_corrections.lines_of(session, key, published[-1].number, self.calendar.regions)
        return told(lines)

    async def said(self, text: str) -> dict[str, int]:
        """Returns what was published of a period, added up; counters of 0 are left out."""
        period = self.calendar.parse(text)
        async with self.ledger.read() as session:
            row = await frozen_figures.find(session, self.calendar.key(period))
            assert row is not None, text
            cells = await frozen_figures.published(
                session, row.key, row.counters, self.calendar.regions, row.revision - 1
            )
        sums = [sum(counts[place] for counts in cells.values()) for place in range(len(row.counters))]
        return {name: count for name, count in zip(row.counters, sums, strict=True) if count}


def told(lines: list[CorrectionLine]) -> list[tuple[str, dict[str, int], int]]:
    """Returns of lines their reason, what changed by counter, and how many cases there are."""
    return [
        (
            line.reason,
            {name: count for name, count in zip(KEPT, line.counts, strict=True) if count},
            line.case_count,
        )
        for line in lines
    ]


class Mail:
    """Takes the sheets of a city into its log, and on to the hub above it.

    Args:
        city: the ledger of the city.
        above: the ledger of the hub above, if there is one.
    """

    def __init__(self, city: Ledger, above: Ledger | None = None) -> None:
        self._city = city
        self._above = above
        self.sheets: list[FigureSheet] = []

    async def submit(self, payloads: list[bytes]) -> None:
        """Takes parcels in at both hubs and applies them."""
        for payload in payloads:
            record = read_parcel(payload).record
            assert isinstance(record, FigureSheet)
            self.sheets.append(record)
        answer = await take_in(self._city, payloads, now=system_clock())
        assert not answer.violations, answer.violations
        await apply_waiting(self._city)
        if self._above is not None:
            sender = Principal(CITY, 431200, "hub", "child", 1, "")
            answer = await take_in(self._above, payloads, hub_id=PROVINCE, sender=sender, now=system_clock())
            assert not answer.violations, answer.violations
            await apply_waiting(self._above)
