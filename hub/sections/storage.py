"""The ``[storage]`` section of the settings: how the growth of the ledger is watched."""

from typing import Annotated

from pydantic import Field

from hub.sections.base import Section


class StoragePart(Section):
    """How the size of the ledger is measured and how much there is room for."""

    cap_gb: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="Room for the database, in 10^9 bytes, for the forecast on the console; 0 for none"
    )
    sample_seconds: Annotated[float, Field(gt=0)] = Field(
        default=21_600.0, description="Time between measures; the last one of a day is kept"
    )

    @property
    def cap_bytes(self) -> int:
        """The room in bytes; 0 for none."""
        return int(self.cap_gb * 1_000_000_000)
