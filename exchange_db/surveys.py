"""Surveys and their anonymous answers, and what the answers add up to, live. Called by ``hub.evaluation``."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.regions import Regions
from exchange_db.score_runs import within
from exchange_db.session import ReadSession, WriteSession
from exchange_db.tables.evaluation import survey_answers, surveys

_BLOCK = 1_000


class SurveyRow(NamedTuple):
    """A survey; ``definition`` is JSON of ``hub.evaluation.surveys``."""

    region: int
    survey_id: str
    scheme_id: str
    entry_id: str
    first_day: date
    last_day: date
    definition: bytes
    salt: bytes
    made_by: str
    made_time: datetime
    closed_time: datetime | None


class AnswerRow(NamedTuple):
    """One answer: chosen options by question."""

    respondent_digest: bytes
    unit_code: str
    answers: Mapping[str, str]
    channel: str
    day: date


class Tally(NamedTuple):
    """How often an option of a question was chosen."""

    question_id: str
    option_id: str
    answer_count: int


_SURVEY = [surveys.c[name] for name in SurveyRow._fields]


async def add(session: WriteSession, row: SurveyRow) -> None:
    """Keeps a survey."""
    await session.execute(insert(surveys).values(row._asdict()))


async def find(session: ReadSession, region: int, survey_id: str) -> SurveyRow | None:
    """Returns a survey."""
    row = (await session.execute(select(*_SURVEY).where(_is_survey(region, survey_id)))).first()
    return SurveyRow(*row) if row else None


async def close(session: WriteSession, region: int, survey_id: str, now: datetime) -> None:
    """Ends a survey."""
    await session.execute(update(surveys).where(_is_survey(region, survey_id)).values(closed_time=now))


async def listing(session: ReadSession, visible: Regions) -> list[SurveyRow]:
    """Returns the surveys of regions, newest first."""
    order = (surveys.c.made_time.desc(), surveys.c.survey_id)
    found = await session.execute(select(*_SURVEY).where(within(surveys.c.region, visible)).order_by(*order))
    return [SurveyRow(*row) for row in found]


async def of_entries(session: ReadSession, region: int, scheme_id: str) -> list[SurveyRow]:
    """Returns the surveys that feed entries of a scheme, the first made first."""
    found = await session.execute(
        select(*_SURVEY)
        .where(surveys.c.region == region, surveys.c.scheme_id == scheme_id)
        .order_by(surveys.c.made_time, surveys.c.survey_id)
    )
    return [SurveyRow(*row) for row in found]


async def add_answers(session: WriteSession, region: int, survey_id: str, rows: list[AnswerRow]) -> list[bool]:
    """Keeps answers and tells of each whether it was the first of its respondent."""
    taken: list[bytes] = []
    for start in range(0, len(rows), _BLOCK):
        values = [row._asdict() | {"region": region, "survey_id": survey_id} for row in rows[start : start + _BLOCK]]
        statement = upsert(survey_answers).values(values).on_conflict_do_nothing()
        found = await session.execute(statement.returning(survey_answers.c.respondent_digest))
        taken += [bytes(row[0]) for row in found]
    left = set(taken)
    outcome = []
    for row in rows:
        outcome.append(row.respondent_digest in left)
        left.discard(row.respondent_digest)
    return outcome


async def tallies(
    session: ReadSession,
    region: int,
    survey_id: str,
    *,
    unit_code: str = "",
    span: tuple[date, date] | None = None,
) -> list[Tally]:
    """Returns how often each option was chosen; ``unit_code`` and days narrow it."""
    cursor = await session.driver.execute(
        "SELECT q.key, q.value, count(*) FROM survey_answers a, jsonb_each_text(a.answers) q"
        " WHERE a.region = %(region)s AND a.survey_id = %(survey)s AND (%(unit)s = '' OR a.unit_code = %(unit)s)"
        " AND (%(first)s::date IS NULL OR a.day BETWEEN %(first)s AND %(last)s) GROUP BY 1, 2 ORDER BY 1, 2",
        {
            "region": region,
            "survey": survey_id,
            "unit": unit_code,
            "first": span[0] if span else None,
            "last": span[1] if span else None,
        },
    )
    return [Tally(*row) for row in await cursor.fetchall()]


def _is_survey(region: int, survey_id: str) -> ColumnElement[bool]:
    return and_(surveys.c.region == region, surveys.c.survey_id == survey_id)
