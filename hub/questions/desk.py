"""Answering questions: the region is settled by rights first, then an engine is asked, then people get their table.

Called by the console and the command line.
"""

import asyncio
from typing import Final

from msgspec.structs import replace

from auth.permissions import unless_whole
from exchange_db import question_facts
from exchange_db.figures import database_time
from exchange_db.question_facts import QuestionTooSlow
from exchange_db.records import Violated
from exchange_db.regions import Regions, Subtree, format_region, parse_region, spans_of, subtree
from exchange_db.session import Ledger
from hub.questions.answers import Answer, answered
from hub.questions.errors import QuestionInvalid
from hub.questions.manifest import require_manifest
from hub.questions.planning import Plan, planned
from hub.questions.question import Question
from hub.settings import Settings

#: Where facts come from: the ledger as it is now, or the archive as it was when it was written.
SOURCES: Final = ("ledger", "archive")


class QuestionDesk:
    """Answers questions.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
    """

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._part = settings.questions
        self._archive = settings.archive
        self._rules = settings.figures.counting
        self._region = settings.hub.region
        self._turns = asyncio.Semaphore(settings.questions.at_once)

    @property
    def has_archive(self) -> bool:
        """Whether there is a place for an archive."""
        return self._archive.path is not None

    async def ask(self, question: Question, visible: Regions, source: str = "ledger") -> Answer:
        """Answers a question with what the asker may see.

        Args:
            question: what is asked.
            visible: regions the asker may see; no case outside them has any part in the answer.
            source: one of ``SOURCES``.

        Raises:
            QuestionInvalid: it cannot be answered so; says what is possible.
            Violated: REGION_INVALID or REGION_FORBIDDEN.
        """
        question = self.settled(question, visible)
        regions = subtree(parse_region(question.region))
        plan = planned(question)
        if source not in SOURCES:
            raise QuestionInvalid("source", f"应为 {'、'.join(SOURCES)}", f"must be one of {', '.join(SOURCES)}")
        try:
            async with self._turns:
                rows, read_time = await (self._of_ledger if source == "ledger" else self._of_archive)(plan, regions)
        except QuestionTooSlow:
            raise QuestionInvalid(
                "seconds",
                f"{self._part.seconds:g} 秒内未能完成，请缩小范围或改用归档",
                f"it takes longer than {self._part.seconds:g} s; narrow it, or ask the archive",
            ) from None
        return answered(question, plan, rows, most=self._part.most_groups, read_time=read_time, source=source)

    def settled(self, question: Question, visible: Regions) -> Question:
        """Returns a question with its region, all of which the asker may see.

        Raises:
            Violated: REGION_INVALID or REGION_FORBIDDEN.
        """
        region = question.region or self.usual_region(visible)
        _require_within(visible, region)
        return replace(question, region=region)

    def usual_region(self, visible: Regions) -> str:
        """Returns the region meant by a question that names none: the hub's, or the first one that is visible."""
        spans = spans_of(visible)
        whole = unless_whole(spans, self._region) is None
        return format_region(self._region if whole or not spans else spans[0].first)

    async def _of_ledger(self, plan: Plan, regions: Subtree) -> tuple[list[tuple[object, ...]], int]:
        from hub.questions.engines import statement_for  # noqa: PLC0415 — who asks nothing pays nothing

        statement = await asyncio.to_thread(statement_for, "postgres", plan, regions, self._part.most_groups)
        async with self._ledger.read() as session:
            read_time = await database_time(session)
            rows = await question_facts.answer(session, statement, self._rules, regions, plan.span, self._part.seconds)
        return rows, read_time

    async def _of_archive(self, plan: Plan, regions: Subtree) -> tuple[list[tuple[object, ...]], int]:
        from hub.questions.engines import files_for, rows_of_archive, statement_for  # noqa: PLC0415 — the same

        folder, manifest = require_manifest(self._archive.path, question_facts.version(self._rules))

        def look() -> list[tuple[object, ...]]:
            files = files_for(folder, manifest, regions, plan.span)
            statement = statement_for("duckdb", plan, regions, self._part.most_groups)
            return rows_of_archive(folder, files, statement, seconds=self._part.seconds, part=self._archive)

        return await asyncio.to_thread(look), manifest.read_time


def _require_within(visible: Regions, region_code: str) -> None:
    """Checks that all of a region is visible: an answer about a part would pass for one about the whole."""
    try:
        regions = subtree(parse_region(region_code))
    except ValueError:
        raise Violated("REGION_INVALID", "region", region_code) from None
    if not any(regions.first in span and regions.last in span for span in spans_of(visible)):
        raise Violated("REGION_FORBIDDEN", "region", region_code)
