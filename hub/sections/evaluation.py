"""The ``[evaluation]`` section of the settings: ranking, objections, who approves what was given."""

from typing import Annotated

from pydantic import Field

from hub.sections.base import Section


class EvaluationPart(Section):
    """How scores are made and disputed. No standard at hand gives these; they are ours, and a tenant's to change."""

    is_ranked: bool | None = Field(
        default=None, description="Rank units or regions; default: as the scheme says, and never at the nation's hub"
    )
    objection_days: Annotated[int, Field(ge=0, le=3_660)] = Field(
        default=5, description="Days after a run in which a unit may object; not from a standard"
    )
    approves_items: bool = Field(
        default=True, description="An entry of the list counts only when a second person has approved it"
    )
    send_seconds: Annotated[float, Field(gt=0)] = Field(
        default=300.0, description="Time between looks for values and results to be sent"
    )
