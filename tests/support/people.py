"""People for tests: somebody with given grants, signed on a moment ago."""

from datetime import UTC, datetime
from uuid import UUID

from auth.person import Grant, Person, Role

_MOMENT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def a_person(*grants: tuple[Role, int], issuer_id: str = "local", subject: str = "li") -> Person:
    """Returns somebody who holds roles in regions."""
    held = tuple(Grant(role, region) for role, region in grants)
    return Person(UUID(int=1), issuer_id, subject, "李雷", "指挥中心", 431200, held, UUID(int=2), _MOMENT)
