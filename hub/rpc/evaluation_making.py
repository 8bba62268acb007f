"""Puts the evaluation's servicer together."""

from exchange_db.session import Ledger
from hub.clock import Clock
from hub.evaluation.desk import ScoreDesk
from hub.evaluation.objecting import ObjectionDesk
from hub.evaluation.surveying import SurveyDesk
from hub.rpc.evaluation_servicer import EvaluationServicer
from hub.settings import Settings


def make_evaluation(ledger: Ledger, settings: Settings, clock: Clock) -> EvaluationServicer:
    """Returns what serves the contract of evaluation."""
    scores = ScoreDesk(ledger, settings, clock)
    surveys = SurveyDesk(ledger, settings, clock)
    return EvaluationServicer(scores, surveys, ObjectionDesk(ledger, settings, clock, scores))
