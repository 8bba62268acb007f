"""Settings of reports and letters; ``hub.settings`` takes them in."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from hub.sections.base import Section

Bulletin = Literal["daily", "weekly", "monthly", "yearly", "booklet"]


class ReportsPart(Section):
    """Bulletins, booklets, result sheets and letters: who issues them, how they look, which are made by themselves.

    `number` and `letter_number` may hold `{year}` and `{number}`.
    """

    issuer: str = Field(default="", description="Authority that issues (发文机关); empty for the name of the hub")
    number: str = Field(default="〔{year}〕第{number}期", description="Number of a bulletin (文号)")
    letter_number: str = Field(default="〔{year}〕{number}号", description="Number of a letter (文号)")
    recipients: str = Field(default="", description="To whom bulletins go (主送机关); empty for nobody named")
    contact: str = Field(default="", description="Who can be asked, as letters name them")
    templates: Path | None = Field(
        default=None, description="Folder of this authority's own Word templates; what is not in it is as shipped"
    )
    names: Path | None = Field(default=None, description="CSV with kind,code,name: what units and places are called")
    lines: Path | None = Field(
        default=None, description="CSV with standard_ref,kind,code,line: the business line of each class; as shipped"
    )
    scheme: str = Field(
        default="", description="Scheme whose run of the month is ranked in the monthly bulletin; empty for none"
    )
    font: str = Field(default="宋体", description="Font of the charts, as the readers' machines have it")
    makes: tuple[Bulletin, ...] = Field(default=("monthly",), description="Bulletins made without being asked for")
    make_after_hours: Annotated[int, Field(ge=0, le=1_000)] = Field(
        default=8, description="Hours after its span has ended that a bulletin is made"
    )
    make_seconds: Annotated[float, Field(gt=0)] = Field(
        default=1_800.0, description="Time between looks for bulletins due"
    )
    most_lines: Annotated[int, Field(ge=3, le=200)] = Field(
        default=20, description="Lines of a breakdown in a document; the rest is added up into one"
    )

    @field_validator("number", "letter_number")
    @classmethod
    def _is_pattern(cls, value: str) -> str:
        try:
            value.format(year=2020, number=1)
        except (LookupError, ValueError, AttributeError):
            raise ValueError("may hold {year} and {number} and no other braces") from None
        return value
