"""Which fields of a section tell when something happened. Called by ``hub.intake`` and ``connectors.county``."""

from msgspec import Struct


def moments_of(section: type[Struct]) -> tuple[str, ...]:
    """Returns the fields of a section that tell when something happened: all times but deadlines and agreed ends."""
    times = (name for name in section.__struct_fields__ if name.endswith("_time"))
    return tuple(name for name in times if "deadline" not in name and "until" not in name)
