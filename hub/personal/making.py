"""Putting the desk for personal data together from the settings."""

from auth.approvals import Operation
from auth.signing_keys import KeyWrap
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.personal.desk import PersonalDesk
from hub.settings import Settings


def make_personal_desk(settings: Settings, ledger: Ledger, clock: Clock) -> PersonalDesk:
    """Returns the desk of a hub. The wrapping key is read, or made, when something is sealed or opened first."""
    return PersonalDesk(
        ledger,
        lambda: KeyWrap.of_file(settings.console.wrapping_key),
        settings.personal,
        clock,
        is_approval_required=Operation.UNMASK in settings.approvals.required,
    )
