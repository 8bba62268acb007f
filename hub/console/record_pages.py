"""The views of records, put together: cases, components, standards, quarantine."""

from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.pages import Pages
from hub.console.view import View
from hub.console.views.case_search import CaseSearchView
from hub.console.views.case_story import CaseStoryView
from hub.console.views.cases import CaseView
from hub.console.views.component_rounds import ComponentRoundView
from hub.console.views.components import ComponentView
from hub.console.views.quarantine import QuarantineView
from hub.console.views.standards import StandardView
from hub.personal.making import make_personal_desk
from hub.settings import Settings
from hub.statistics.reading import FigureReader


def record_views(
    ledger: Ledger, reader: FigureReader, settings: Settings, pages: Pages, clock: Clock, reading: Ledger
) -> tuple[View, ...]:
    """Returns all these views.

    Args:
        ledger: the hub's database.
        reader: answers questions about figures.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
        reading: where pages that only look read: the database, or a replica of it.
    """
    return (
        CaseView(reading, reader, settings, pages, make_personal_desk(settings, ledger, clock), clock),
        CaseSearchView(ledger, settings, pages, clock),
        CaseStoryView(ledger, settings, pages, clock),
        ComponentView(ledger, settings, pages, clock),
        ComponentRoundView(ledger, settings, pages, clock),
        StandardView(ledger, settings, pages, clock),
        QuarantineView(ledger, settings, pages, clock),
    )
