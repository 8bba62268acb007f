"""The views of figures and what follows from them, put together: figures, reports, evaluation, follow-up, questions."""

from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.pages import Pages
from hub.console.view import View
from hub.console.views.completeness import CompletenessView
from hub.console.views.evaluation import EvaluationView
from hub.console.views.figures import FigureView
from hub.console.views.followup import FollowupView
from hub.console.views.questions import QuestionView
from hub.console.views.reports import ReportView
from hub.evaluation.desk import ScoreDesk
from hub.evaluation.objecting import ObjectionDesk
from hub.reports.desk import ReportDesk
from hub.settings import Settings
from hub.statistics.indicators import IndicatorReader
from hub.statistics.reading import FigureReader


def figure_views(
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
    scores, reports = ScoreDesk(ledger, settings, clock), ReportDesk(ledger, settings, reader, clock)
    return (
        FigureView(reader, IndicatorReader(reading, settings), settings, pages, clock),
        ReportView(reports, pages),
        EvaluationView(scores, ObjectionDesk(ledger, settings, clock, scores), pages),
        CompletenessView(ledger, settings, pages, clock),
        FollowupView(ledger, settings, pages, clock, reports),
        QuestionView(ledger, settings, pages, clock),
    )
