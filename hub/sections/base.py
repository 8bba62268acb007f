"""What all sections of the settings have in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section: frozen, and names it does not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
