"""Putting together what takes and executes proposals: in a hub for its console, beside one for ``sanji proposals``."""

from auth.approvals import Operation
from exchange_db.session import Ledger
from hub.approvals.desk import ProposalDesk
from hub.approvals.figure_operations import figure_operations, make_period_desks
from hub.approvals.host_operations import host_operations
from hub.approvals.key_operations import KeyChange
from hub.approvals.operations import Reconcile, operations
from hub.clock import Clock
from hub.intake.validation import ClassCheck
from hub.personal.making import make_personal_desk
from hub.settings import Settings
from hub.standards.documents import VALIDATORS
from hub.standards.publishing import Publisher
from hub.standards.register import ClassRegister


def make_proposals(
    ledger: Ledger, settings: Settings, clock: Clock, register: ClassRegister, reconcile: Reconcile
) -> ProposalDesk:
    """Returns the desk of a hub.

    Args:
        ledger: the hub's database.
        settings: all settings.
        clock: the hub's clock.
        register: knows the classes that are taken; read anew before records are taken in again.
        reconcile: compares a link on a day and repairs it where that is asked.
    """

    async def read_classes() -> ClassCheck:
        async with ledger.read() as session:
            await register.read(session, clock())
        return register.check

    hub = settings.hub
    publisher = Publisher(ledger, hub.id, hub.region, settings.tls, VALIDATORS, clock)
    known = operations(ledger, hub.id, clock, publisher, read_classes, reconcile)
    known |= figure_operations(*make_period_desks(settings, ledger, clock))
    known |= host_operations(ledger, settings, clock)
    personal = make_personal_desk(settings, ledger, clock)
    known[Operation.UNMASK] = personal
    known[Operation.KEY_CHANGE] = KeyChange(ledger, settings.tls.authority.read_bytes, personal)
    return ProposalDesk(ledger, settings, clock, known)
