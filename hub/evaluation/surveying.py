"""Surveys end to end: opened, answered anonymously and once each, and what the answers say, live.

Who answered is not kept: only a digest of what a channel knows the respondent by, keyed with a salt of the survey,
which tells a second answer from a first and leads nowhere else. Called by ``hub.rpc``, ``hub.console``, ``hub.cli``.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exchange_db import surveys
from exchange_db.records import Violated, Violation
from exchange_db.regions import Regions, format_region, subtree
from exchange_db.session import Ledger, WriteSession
from exchange_db.surveys import AnswerRow, SurveyRow, Tally
from hub.clock import Clock
from hub.evaluation.surveys import (
    Satisfaction,
    SurveyDefinition,
    checked_answers,
    read_definition,
    satisfaction_of,
    write_definition,
)
from hub.recording import actor, recorded
from hub.settings import Settings

#: Most answers taken in one transaction, and longest name of a respondent.
MOST_ANSWERS = 10_000
_LONGEST = 200


class AnswerGiven(NamedTuple):
    """One answer from outside. ``respondent`` is what the channel knows somebody by; it is digested and not kept."""

    respondent: str
    answers: Mapping[str, str]
    unit_code: str = ""
    day: date | None = None


class SurveyState(NamedTuple):
    """A survey with what its answers add up to now."""

    row: SurveyRow
    definition: SurveyDefinition
    tallies: list[Tally]
    satisfaction: Satisfaction


class SurveyDesk:
    """Keeps surveys.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._zone = ZoneInfo(settings.figures.zone)
        self.hub_region = settings.hub.region

    async def open_survey(self, region: int, survey: SurveyDefinition) -> None:
        """Opens a survey.

        Raises:
            Violated: REGION_FORBIDDEN, or ARGUMENT_INVALID when there is one of that name.
        """
        if region not in subtree(self.hub_region):
            raise Violated("REGION_FORBIDDEN", "region", format_region(region))
        row = SurveyRow(
            region=region,
            survey_id=survey.id,
            scheme_id=survey.scheme,
            entry_id=survey.entry,
            first_day=survey.first_day,
            last_day=survey.last_day,
            definition=write_definition(survey),
            salt=secrets.token_bytes(32),
            made_by=actor(),
            made_time=self._now(),
            closed_time=None,
        )
        async with recorded(self._ledger, "evaluation.survey.open", survey.id, region=region) as act:
            if await surveys.find(act.session, region, survey.id) is not None:
                raise Violated("ARGUMENT_INVALID", "id", survey.id)
            await surveys.add(act.session, row)

    async def close(self, region: int, survey_id: str) -> None:
        """Ends a survey before its last day.

        Raises:
            Violated: SURVEY_UNKNOWN.
        """
        async with recorded(self._ledger, "evaluation.survey.close", survey_id, region=region) as act:
            if await surveys.find(act.session, region, survey_id) is None:
                raise Violated("SURVEY_UNKNOWN", "survey", survey_id)
            await surveys.close(act.session, region, survey_id, self._now())

    async def take(
        self, region: int, survey_id: str, channel: str, given: Sequence[AnswerGiven]
    ) -> list[Violation | None]:
        """Takes answers and tells of each why it was not taken, ``None`` where it was.

        Raises:
            Violated: SURVEY_UNKNOWN, or ARGUMENT_INVALID for more than 10,000.
        """
        async with self._ledger.write() as session:
            return await self._take(session, region, survey_id, channel, given)

    async def load(
        self, region: int, survey_id: str, channel: str, given: Sequence[AnswerGiven]
    ) -> list[Violation | None]:
        """Takes answers that a person brings in a file, which is recorded; else the same as ``take``."""
        async with recorded(
            self._ledger, "evaluation.survey.import", survey_id, region=region, detail={"count": len(given)}
        ) as act:
            outcome = await self._take(act.session, region, survey_id, channel, given)
            act.detail["taken"] = sum(violation is None for violation in outcome)
        return outcome

    async def _take(
        self, session: WriteSession, region: int, survey_id: str, channel: str, given: Sequence[AnswerGiven]
    ) -> list[Violation | None]:
        if len(given) > MOST_ANSWERS:
            raise Violated("ARGUMENT_INVALID", "answers", len(given))
        row = await surveys.find(session, region, survey_id)
        if row is None:
            raise Violated("SURVEY_UNKNOWN", "survey", survey_id)
        definition = read_definition(row.definition)
        outcome: list[Violation | None] = [None] * len(given)
        rows: list[tuple[int, AnswerRow]] = []
        for index, one in enumerate(given):
            try:
                rows.append((index, self._answer(row, definition, channel, one)))
            except Violated as refused:
                outcome[index] = refused.violation
        if rows:
            firsts = await surveys.add_answers(session, region, survey_id, [answer for _, answer in rows])
            for (index, _), is_first in zip(rows, firsts, strict=True):
                if not is_first:
                    outcome[index] = Violated("ANSWER_DUPLICATE", "respondent").violation
        return outcome

    def _answer(self, row: SurveyRow, survey: SurveyDefinition, channel: str, given: AnswerGiven) -> AnswerRow:
        today = self._now().astimezone(self._zone).date()
        day = given.day or today
        if row.closed_time is not None or not row.first_day <= day <= row.last_day or day > today:
            raise Violated("SURVEY_CLOSED", "day", day)
        if not 0 < len(given.respondent) <= _LONGEST:
            raise Violated("FIELD_MISSING" if not given.respondent else "FIELD_INVALID", "respondent", "…")
        known_by = f"{channel}\0{given.respondent}".encode()
        digest = hmac.digest(row.salt, known_by, hashlib.sha256)
        return AnswerRow(digest, given.unit_code, checked_answers(survey, given.answers), channel, day)

    async def state(self, region: int, survey_id: str, unit_code: str = "") -> SurveyState:
        """Returns a survey with what its answers add up to now; ``unit_code`` narrows it.

        Raises:
            Violated: SURVEY_UNKNOWN.
        """
        async with self._ledger.read() as session:
            row = await surveys.find(session, region, survey_id)
            if row is None:
                raise Violated("SURVEY_UNKNOWN", "survey", survey_id)
            tallies = await surveys.tallies(session, region, survey_id, unit_code=unit_code)
        definition = read_definition(row.definition)
        return SurveyState(row, definition, tallies, satisfaction_of(definition, tallies))

    async def listing(self, visible: Regions) -> list[SurveyRow]:
        """Returns the surveys of regions, newest first."""
        async with self._ledger.read() as session:
            return await surveys.listing(session, visible)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
