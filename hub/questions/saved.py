"""Keeping questions: by whoever acts, under a name, for themselves or shared with who may see the region.

Every change is an entry of the audit log. Called by the console and the command line, which say who acts.
"""

from datetime import UTC, datetime

from exchange_db import saved_questions
from exchange_db.audit_records import Value
from exchange_db.regions import Regions, parse_region
from exchange_db.saved_questions import SavedQuestion
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.questions.errors import QuestionInvalid
from hub.questions.planning import planned
from hub.questions.question import Question, as_json
from hub.recording import actor, recorded

_MOST_LETTERS = 60
#: Questions one person or host user keeps at most.
MOST_KEPT = 500


class SavedQuestions:
    """Questions that are kept.

    Args:
        ledger: the hub's database.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def save(self, name: str, question: Question, *, is_shared: bool) -> None:
        """Keeps a question under a name, in place of the one before.

        Args:
            name: 1 to 60 letters.
            question: names its region; it was answered, or could be.
            is_shared: whether others who may see its region may run it.

        Raises:
            QuestionInvalid: the name or the question does not fit, or there are too many.
        """
        planned(question)
        if not 0 < len(name) <= _MOST_LETTERS or not name.isprintable() or name != name.strip():
            raise QuestionInvalid(
                "name", f"名称应为 1 至 {_MOST_LETTERS} 个字", f"a name has 1 to {_MOST_LETTERS} letters"
            )
        region = parse_region(question.region)
        changed = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        detail: dict[str, Value] = {"is_shared": is_shared}
        async with recorded(self._ledger, "question.save", name, region=region, detail=detail) as act:
            saved = SavedQuestion(actor(), name, region, as_json(question), is_shared, changed)
            await saved_questions.save(act.session, saved)
            if await saved_questions.count(act.session, saved.owner) > MOST_KEPT:
                raise QuestionInvalid(
                    "name", f"最多保存 {MOST_KEPT} 个查询，请先删除", f"at most {MOST_KEPT} are kept; delete some first"
                )

    async def delete(self, name: str) -> None:
        """Forgets a question of whoever acts.

        Raises:
            QuestionInvalid: they keep none of that name.
        """
        async with recorded(self._ledger, "question.delete", name) as act:
            if not await saved_questions.delete(act.session, actor(), name):
                raise _unknown(name)

    async def find(self, name: str, visible: Regions) -> SavedQuestion:
        """Returns the question of a name: one's own before a shared one.

        Raises:
            QuestionInvalid: there is none that whoever acts may see.
        """
        async with self._ledger.read() as session:
            found = await saved_questions.find(session, actor(), name, visible)
        if found is None:
            raise _unknown(name)
        return found

    async def listing(self, visible: Regions) -> list[SavedQuestion]:
        """Returns one's own questions and those that are shared, by name."""
        async with self._ledger.read() as session:
            return await saved_questions.listing(session, actor(), visible)


def _unknown(name: str) -> QuestionInvalid:
    return QuestionInvalid(
        "name",
        f"没有保存过名为“{name}”的查询，见 sanji stats list",
        f'no question is kept as "{name}"; see sanji stats list',
    )
