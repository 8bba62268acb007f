"""The ``[personal]`` section of the settings: what a hub keeps of persons, and who may see it."""

from typing import Annotated

from pydantic import Field, field_validator

from exchange_db.regions import parse_region, region_of
from hub.sections.base import Section


class PersonalPart(Section):
    """Who reported a case. Kept only where a platform needs this hub to know; never sent on, never in the log."""

    keeps_reporters: bool = Field(default=False, description="Take reporters from platforms by POST /v1/reporters")
    keep_days: Annotated[int, Field(ge=1, le=3_660)] = Field(
        default=180, description="Days after which a reporter is forgotten"
    )
    detail_regions: tuple[str, ...] = Field(
        default=(), description="Provinces, or 000000, whose operators may unmask too; others see statistics"
    )
    detail_to: tuple[str, ...] = Field(
        default=(),
        description="Neighbours of province or nation that are sent the texts of cases as they were written;"
        " all others there get numbers of telephones and identities and addresses of mail masked",
    )
    unmasked_minutes: Annotated[int, Field(ge=1, le=480)] = Field(
        default=30, description="Minutes a case stays unmasked for who asked"
    )

    @field_validator("detail_regions")
    @classmethod
    def _are_regions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for code in value:
            parse_region(code)
        return value

    @field_validator("detail_to")
    @classmethod
    def _are_neighbours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            region_of(name)
        return value

    @property
    def regions(self) -> frozenset[int]:
        """The regions as numbers."""
        return frozenset(map(parse_region, self.detail_regions))
