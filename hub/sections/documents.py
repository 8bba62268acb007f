"""The ``[documents]`` section of the settings: papers this hub issues."""

from typing import Annotated

from pydantic import Field

from exchange_db.document_records import DocumentKind
from hub.sections.base import Section

#: What stands for a kind in its numbers; unverified: no source gives the form of a number.
WORDS = {
    DocumentKind.ASSIGNMENT_LETTER: "交",
    DocumentKind.SUPERVISION_LETTER: "督",
    DocumentKind.SPECIAL_LETTER: "重督",
    DocumentKind.BULLETIN: "通",
    DocumentKind.RESULT_SHEET: "考",
    DocumentKind.BOOKLET: "析",
    DocumentKind.DUTY_CALL: "岗",
}


class DocumentsPart(Section):
    """Letters, bulletins and other papers that this hub issues. The form of numbers is not given by any source."""

    number_prefix: Annotated[str, Field(max_length=20)] = Field(
        default="", description="What the numbers (文号) of this hub begin with, such as 怀城管"
    )
    number_form: str = Field(
        default="{prefix}{word}〔{year}〕{number}号",
        description="Form of a number, with {prefix}, {word} for the kind, {year} and {number}",
    )
