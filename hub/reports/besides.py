"""What stands in a bulletin beside its figures: frequent problems with their letters, and the ranking of the month."""

from exchange_db import followup, score_runs
from exchange_db.document_records import DocumentKind
from exchange_db.followup import ProposalRow
from exchange_db.records import printable
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.evaluation.runs import ScoreRun, read_kept
from hub.reports.content import BULLETINS, KIND_NAMES, Problem, Ranking, ReportKind
from hub.reports.drafting import Asked, Beside
from hub.reports.naming import Names
from hub.reports.scores import ranking_of

#: Most frequent problems a bulletin names.
MOST_PROBLEMS = 50
_LETTERS = {
    DocumentKind.ASSIGNMENT_LETTER: ReportKind.ASSIGNMENT,
    DocumentKind.SUPERVISION_LETTER: ReportKind.SUPERVISION,
    DocumentKind.SPECIAL_LETTER: ReportKind.SPECIAL,
}
_IN_WORDS = {
    "proposed": "拟发",
    "sent": "已发",
    "answered": "已回复：",
    "returned": "已退回：",
    "unanswered": "逾期未复：",
}


async def beside_of(ledger: Ledger, asked: Asked, names: Names, scheme_id: str) -> Beside:
    """Returns what is known for a bulletin; a booklet has neither."""
    if asked.kind not in BULLETINS:
        return Beside()
    async with ledger.read() as session:
        proposals = await followup.since(session, subtree(asked.region), asked.span.first_day)
        row = None
        if scheme_id and asked.kind is ReportKind.MONTHLY:
            row = await score_runs.latest(session, asked.region, scheme_id, asked.span.name)
    ranking: Ranking | None = None
    if row is not None:
        run = read_kept(row.head.kind, row.content).run
        ranking = ranking_of(run, names) if isinstance(run, ScoreRun) else None
    inside = [
        one for one in proposals if one.state in _IN_WORDS and asked.span.first_day <= one.day <= asked.span.last_day
    ]
    inside.sort(key=lambda one: (-len(one.cases), one.class_key, one.place, one.day, one.step))
    return Beside(tuple(_problem(one, names) for one in inside[:MOST_PROBLEMS]), ranking)


def _problem(row: ProposalRow, names: Names) -> Problem:
    letter = KIND_NAMES[_LETTERS[DocumentKind(row.letter_kind)]]
    return Problem(
        name=names.of("class", row.class_key),
        place=names.of("unit", row.place) if row.is_by_unit else f"网格{names.of('grid', row.place)}",
        unit=printable(row.unit_name) or (names.of("unit", row.unit_code) if row.unit_code else "—"),
        count=len(row.cases),
        letter=f"{_IN_WORDS[row.state]}{letter}",
    )
