"""A desk for personal data with a key of its own."""

from auth.signing_keys import KeyWrap
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.personal.desk import PersonalDesk
from hub.sections.personal import PersonalPart

WRAP = KeyWrap(b"k" * 32)


def a_personal_desk(
    ledger: Ledger, clock: Clock, *, part: PersonalPart | None = None, is_approval_required: bool = False
) -> PersonalDesk:
    """Returns a desk that keeps reporters and lets one person unmask, unless told otherwise."""
    chosen = part or PersonalPart(keeps_reporters=True)
    return PersonalDesk(ledger, lambda: WRAP, chosen, clock, is_approval_required=is_approval_required)
