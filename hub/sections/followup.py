"""The ``[followup]`` section of the settings: what follows from figures."""

from typing import Annotated

from pydantic import Field, field_validator

from exchange_db.regions import parse_region, region_of
from hub.sections.base import Section


class FollowupPart(Section):
    """Letters about frequent problems, and lists of cases somebody must look at.

    S001 names "3 次以上" in a day's report and three letters (交办函, 督办函, 重点督办函). Steps, deadlines, wording
    and all other limits here are given by no source.
    """

    proposes: bool | None = Field(
        default=None, description="Propose letters about frequent problems here; unset: if this is a city's hub"
    )
    propose_seconds: Annotated[float, Field(gt=0)] = Field(
        default=3_600.0, description="Time between looks for frequent problems and answers"
    )
    least: Annotated[int, Field(ge=2, le=1_000)] = Field(
        default=3, description="Cases of one class and place in a day that make a frequent problem"
    )
    is_by_unit: bool = Field(default=False, description="Count by responsible unit in place of the grid")
    memory_days: Annotated[int, Field(ge=1, le=3_660)] = Field(
        default=90, description="Days for which earlier letters about a problem make the next one stricter"
    )
    assignment_days: Annotated[int, Field(ge=1, le=365)] = Field(default=7, description="Days to answer a 交办函")
    supervision_days: Annotated[int, Field(ge=1, le=365)] = Field(default=5, description="Days to answer a 督办函")
    special_days: Annotated[int, Field(ge=1, le=365)] = Field(default=3, description="Days to answer a 重点督办函")
    title: Annotated[str, Field(max_length=80)] = Field(
        default="关于{place}反复发生{class_name}问题的{letter}",
        description="Title of letters, with {place}, {class_name}, {letter}, {region}",
    )
    text: Annotated[str, Field(max_length=1_000)] = Field(
        default="{unit}：{day}，{place}内{class_name}问题在日报中出现{count}次，已达到高发问题标准。"
        "请组织整改，并于{deadline}前书面回复整改情况。",
        description="Text of letters; beside those names it takes {unit}, {day}, {count}, {deadline}",
    )
    horizon_days: Annotated[int, Field(ge=1, le=36_600)] = Field(
        default=366, description="How far back the lists look, by time of report"
    )
    unsent_minutes: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=240, description="How long after its report a filed case may wait for its dispatch"
    )
    ending_days: Annotated[int, Field(ge=0, le=3_660)] = Field(
        default=7, description="How long before its end a suspension is reminded of"
    )
    upper_sources: tuple[str, ...] = Field(
        default=("leader", "peer"), description="Sources that stand for a task from above (problem_sources)"
    )
    responsible: dict[str, tuple[str, ...]] = Field(
        default={},
        description="Region to the platforms that may be given its cases; elsewhere those of the region and above may",
    )

    @field_validator("responsible")
    @classmethod
    def _are_names(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for region, names in value.items():
            parse_region(region)
            for name in names:
                region_of(name)
        return value

    @field_validator("title", "text")
    @classmethod
    def _can_be_filled(cls, value: str) -> str:
        names = ("unit", "day", "place", "class_name", "count", "deadline", "letter", "region")
        try:
            value.format(**dict.fromkeys(names, ""))
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"{error} cannot be filled in; the names are {', '.join(names)}") from None
        return value
