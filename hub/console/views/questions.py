"""Questions people put together: a form, the answer as a table, its export, and questions that are kept."""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from msgspec.structs import replace
from multidict import MultiMapping

from auth.permissions import visible
from auth.roles import Action, Kind
from exchange_db.audit_records import person_actor
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.console.pages import Pages
from hub.console.presentation import LANGUAGES, Presentation
from hub.questions.answers import Answer, table_of, title_of
from hub.questions.desk import SOURCES, QuestionDesk
from hub.questions.errors import QuestionInvalid
from hub.questions.exports import FORMS, form_named
from hub.questions.question import MOST_GROUPS, Filter, Question, as_json, from_json, listed_in
from hub.questions.saved import SavedQuestions
from hub.questions.vocabulary import BY, DIMENSIONS, TIME_DIMENSIONS, measures
from hub.recording import acting_as
from hub.request_keys import PERSON, REGIONS
from hub.settings import Settings

#: Conditions the form has room for; a link may carry more.
_CONDITIONS = 4
_MOST_NUMBERED = 20
_USUAL_LINES = 200


class QuestionView:
    """The page of questions.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, pages: Pages, clock: Clock) -> None:
        self._desk = QuestionDesk(ledger, settings)
        self._saved = SavedQuestions(ledger, clock)
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [
            web.get("/questions", self.page),
            web.get("/questions/export", self.export),
            web.post("/questions/save", self.save),
            web.post("/questions/delete", self.delete),
        ]

    async def page(self, request: web.Request) -> web.Response:
        """Shows the form, and the answer when something was asked."""
        question, answer, trouble = Question(limit=_USUAL_LINES), None, ""
        look = self._pages.presentation(request)
        source = request.query.get("source", SOURCES[0])
        if "measure" in request.query:
            try:
                question = question_in(request.query)
                answer = await self._desk.ask(question, request[REGIONS], source)
                question = answer.question
            except QuestionInvalid as error:
                trouble = _told(error, look)
        return await self._shown(request, question, source, answer, trouble)

    async def export(self, request: web.Request) -> web.Response:
        """Gives the answer as a file."""
        look = self._pages.presentation(request)
        try:
            form = request.query.get("format", "csv")
            made, media_type = form_named(form)
            source = request.query.get("source", SOURCES[0])
            answer = await self._desk.ask(question_in(request.query), request[REGIONS], source)
            body = made(answer, look.language)
        except QuestionInvalid as error:
            return self._pages.refuse(request, 400, _told(error, look))
        return web.Response(
            body=body,
            content_type=media_type,
            headers={"Content-Disposition": f'attachment; filename="question.{form.casefold()}"'},
        )

    async def save(self, request: web.Request) -> web.StreamResponse:
        """Keeps a question."""
        return await self._change(request, is_deleting=False)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Forgets a question of the asker's own."""
        return await self._change(request, is_deleting=True)

    async def _change(self, request: web.Request, *, is_deleting: bool) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        look, person = self._pages.presentation(request), request[PERSON]
        question = Question(limit=_USUAL_LINES)
        try:
            with acting_as(person_actor(person.issuer_id, person.subject)):
                if is_deleting:
                    await self._saved.delete(form.get("name", ""))
                else:
                    question = self._desk.settled(from_json(form.get("question", "")), request[REGIONS])
                    name = form.get("name", "").strip()
                    await self._saved.save(name, question, is_shared="is_shared" in form)
        except QuestionInvalid as error:
            return await self._shown(request, question, SOURCES[0], None, _told(error, look))
        raise web.HTTPSeeOther(look.url("/questions"))

    async def _shown(
        self, request: web.Request, question: Question, source: str, answer: Answer | None, trouble: str
    ) -> web.Response:
        look, person, seen = self._pages.presentation(request), request[PERSON], request[REGIONS]
        actor = person_actor(person.issuer_id, person.subject)
        with acting_as(actor):
            kept = await self._saved.listing(seen)
        room = max(_CONDITIONS, len(question.where))
        return self._pages.render(
            request,
            "questions.html",
            active="questions",
            status=400 if trouble else 200,
            trouble=trouble,
            form=question if question.region else replace(question, region=self._desk.usual_region(seen)),
            conditions=[*question.where, *[Filter("", ()) for _ in range(room - len(question.where))]],
            groups=[*question.group, *[""] * MOST_GROUPS][:MOST_GROUPS],
            dimensions=[(one.name, _named(one, look)) for one in DIMENSIONS],
            filterable=[(one.name, _named(one, look)) for one in DIMENSIONS if one.name not in TIME_DIMENSIONS],
            measures=[(one.name, _named(one, look)) for one in measures()],
            times=[(name, names[LANGUAGES.index(look.language)]) for name, names in BY.items()],
            sources=SOURCES if self._desk.has_archive else (),
            source=source,
            answer=answer,
            table=None if answer is None else table_of(answer, look.language),
            title=None if answer is None else title_of(answer, look.language),
            kept=[(one, one.owner == actor, _link(look, from_json(one.question), SOURCES[0])) for one in kept],
            asked=as_json(question),
            exports=self._exports(request, look, question, source) if answer else [],
        )

    def _exports(
        self, request: web.Request, look: Presentation, question: Question, source: str
    ) -> list[tuple[str, str]]:
        if not visible(request[PERSON], Action.EXPORT, Kind.FIGURE):
            return []
        return [(form, f"{_link(look, question, source, '/questions/export')}&format={form}") for form in FORMS]


def question_in(values: MultiMapping[str]) -> Question:
    """Reads the form's fields: ``field1``, ``sign1`` and ``value1`` are a condition, and so on.

    Raises:
        QuestionInvalid: the number of lines is none.
    """
    where = [
        Filter(field, listed_in(value), values.get(f"sign{number}") == "not")
        for number in range(1, _MOST_NUMBERED + 1)
        if (field := values.get(f"field{number}", "")) and (value := values.get(f"value{number}", "").strip())
    ]
    limit = values.get("limit", "").strip() or "0"
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10):
        raise QuestionInvalid("limit", f"“{limit}”应为整数", f'"{limit}" must be a whole number')
    return Question(
        region=values.get("region", "").strip(),
        first=values.get("from", "").strip(),
        last=values.get("to", "").strip(),
        by=values.get("by", ""),
        where=tuple(where),
        group=tuple(name for name in values.getall("group", []) if name),
        measure=tuple(name for name in values.getall("measure", []) if name) or ("count",),
        pivot=values.get("pivot", ""),
        order=listed_in(values.get("order", "")),
        limit=int(limit),
    )


def _link(look: Presentation, question: Question, source: str, path: str = "/questions") -> str:
    """Returns the address at which a question is answered."""
    said: list[tuple[str, Any]] = [
        ("region", question.region),
        ("from", question.first),
        ("to", question.last),
        ("by", question.by),
        ("pivot", question.pivot),
        ("order", ",".join(question.order)),
        ("limit", question.limit or ""),
        ("source", source),
        ("lang", "" if look.language == LANGUAGES[0] else look.language),
        *(("group", name) for name in question.group),
        *(("measure", name) for name in question.measure),
    ]
    for number, one in enumerate(question.where, 1):
        said += [(f"field{number}", one.field), (f"value{number}", ",".join(one.values))]
        said.append((f"sign{number}", "not" if one.is_excluded else ""))
    return f"{path}?{urlencode([(name, value) for name, value in said if value != ''])}"


def _named(word: Any, look: Presentation) -> str:
    name = word.name_zh if look.language == "zh" else word.name_en
    return f"{word.name} {name}" if getattr(word, "metric", None) else str(name)


def _told(error: QuestionInvalid, look: Presentation) -> str:
    return f"{error.field} · {error.chinese if look.language == 'zh' else error.english}"
