"""The ``[reconcile]`` section of the settings."""

from typing import Annotated

from pydantic import Field

from hub.sections.base import Section


class ReconcilePart(Section):
    """How links are compared with their other ends, day by day (对账)."""

    mark_seconds: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="Time between runs that mark what went over links"
    )
    compare_seconds: Annotated[float, Field(gt=0)] = Field(
        default=14_400.0, description="Time between comparisons with the neighbours this hub can dial"
    )
    recheck_days: Annotated[int, Field(ge=1, le=31)] = Field(
        default=7, description="Days before today whose records are read from disk again, once a day"
    )
    is_repairing: bool = Field(
        default=False,
        description="Send again at once what was lost; otherwise a person does it with sanji reconcile --repair",
    )
