"""Putting together what takes and executes proposals, beside a hub that may be running. For ``sanji proposals``."""

from collections.abc import Awaitable

from exchange_db.session import Ledger
from hub.approvals.desk import ProposalDesk
from hub.approvals.making import make_proposals as put_together
from hub.bootstrap import make_register
from hub.cli.reconcile import compare
from hub.clock import system_clock
from hub.reconciliation.compared import ComparedLink
from hub.settings import Settings


def make_proposals(ledger: Ledger, settings: Settings) -> ProposalDesk:
    """Returns the desk of a hub."""

    def reconcile(peer_id: str, day: int, *, is_repairing: bool) -> Awaitable[list[ComparedLink]]:
        return compare(ledger, settings, peer_id, day, is_repairing=is_repairing)

    return put_together(ledger, settings, system_clock, make_register(settings), reconcile)
