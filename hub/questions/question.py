"""A question as data: what is kept, sent to the page and written on the command line; only words, no SQL. Pure."""

import msgspec
from msgspec import Struct

from hub.questions.errors import QuestionInvalid

#: Most dimensions a question groups by.
MOST_GROUPS = 3
#: Longest question as JSON, in letters.
_MOST_LETTERS = 20_000


class Filter(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A condition: a dimension has one of some values, or none of them. A value ending in ``*`` is how it begins."""

    field: str
    values: tuple[str, ...]
    is_excluded: bool = False


class Question(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Filters, groups and measures, in the words of ``hub.questions.vocabulary``, Chinese or English.

    ``region`` is six digits and means all below it; empty is all the asker may see. ``first`` and ``last`` bound the
    period by the time named in ``by`` (``2020``, ``2020Q3``, ``2020-07`` or ``2020-07-15``, both included). ``pivot``
    is one of ``group`` whose values become columns. ``order`` names columns, with ``-`` in front for falling.
    ``limit`` is how many lines are shown, 0 for all.
    """

    region: str = ""
    first: str = ""
    last: str = ""
    by: str = ""
    where: tuple[Filter, ...] = ()
    group: tuple[str, ...] = ()
    measure: tuple[str, ...] = ("count",)
    pivot: str = ""
    order: tuple[str, ...] = ()
    limit: int = 0


def as_json(question: Question) -> str:
    """Returns a question as it is kept."""
    return msgspec.json.encode(question).decode()


def from_json(text: str) -> Question:
    """Reads a question that was kept.

    Raises:
        QuestionInvalid: it is none.
    """
    try:
        return msgspec.json.decode(text[:_MOST_LETTERS].encode(), type=Question)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise QuestionInvalid(
            "question", f"无法读取该查询（{error}），请重新保存", f"it cannot be read ({error}); save it anew"
        ) from None


def parse_filter(text: str) -> Filter:
    """Reads ``state=closed,void``, ``类别!=0203*`` and the like.

    Raises:
        QuestionInvalid: there is no sign or no value in it.
    """
    field, sign, values = text.replace("！", "!").replace("＝", "=").partition("=")
    is_excluded = field.endswith("!")
    listed = listed_in(values)
    field = field.removesuffix("!").strip()
    if not (field and sign and listed):
        raise QuestionInvalid(
            "where",
            f"“{text}”应写成 字段=值 或 字段!=值，多个值用逗号分隔",
            f'write "{text}" as field=value or field!=value, several values with commas',
        )
    return Filter(field, listed, is_excluded)


def listed_in(text: str) -> tuple[str, ...]:
    """Reads words separated by commas, Chinese ones too; empty ones are left out."""
    parts = text.replace("，", ",").replace("、", ",").split(",")
    return tuple(part.strip() for part in parts if part.strip())
