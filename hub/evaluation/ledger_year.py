"""What the ledger counts for a region and year, for the check of a self-evaluation and for drawing one.

Called by ``sanji evaluation check`` and ``sanji evaluation annual``.
"""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from exchange_db import figure_spans, surveys
from exchange_db.counting_sql import STOCKS
from exchange_db.figure_spans import SpanQuestion
from exchange_db.figures import Basis
from exchange_db.records import COUNTERS
from exchange_db.regions import subtree
from exchange_db.session import ReadSession
from hub.evaluation.checking.ledger_rules import HeldCounts
from hub.evaluation.surveys import read_definition, satisfaction_of


async def held_counts(session: ReadSession, region: int, year: int, basis: Basis) -> HeldCounts:
    """Returns the counts of a year and of the one before."""
    return HeldCounts(
        year, await _counts(session, region, year, basis), await _counts(session, region, year - 1, basis)
    )


async def annual_counts(session: ReadSession, region: int, year: int, basis: Basis) -> Mapping[str, int | Fraction]:
    """Returns the counts of a year with ``asked`` and ``content`` of the region's surveys, where anybody answered."""
    counts: dict[str, int | Fraction] = dict(await _counts(session, region, year, basis))
    content = asked = 0
    span = (date(year, 1, 1), date(year, 12, 31))
    for row in await surveys.listing(session, subtree(region)):
        tallies = await surveys.tallies(session, row.region, row.survey_id, span=span)
        one = satisfaction_of(read_definition(row.definition), tallies)
        content, asked = content + one.content, asked + one.asked
    return counts | ({"content": content, "asked": asked} if asked else {})


async def _counts(session: ReadSession, region: int, year: int, basis: Basis) -> dict[str, int]:
    question = SpanQuestion(subtree(region), year * 10_000 + 101, year * 10_000 + 1231)
    found = await figure_spans.counts(session, question, basis)
    whole = next(iter(found.values()), None)
    return {} if whole is None else {name: whole.of(name) for name in (*COUNTERS, *STOCKS)}
