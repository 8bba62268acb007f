"""The two texts of a reason. ``exchange_db.reasons`` gathers them from the modules that hold them by subject."""

from typing import NamedTuple


class ReasonText(NamedTuple):
    """The two texts of a reason; ``{value}`` is filled in by who raises it."""

    english: str
    chinese: str
