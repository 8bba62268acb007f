"""The views for administrators, put together: joining, approvals, audit, people, jobs, the system."""

from exchange_db.session import Ledger
from hub.approvals.desk import ProposalDesk
from hub.clock import Clock
from hub.console.pages import Pages
from hub.console.view import View
from hub.console.views.audit import AuditView
from hub.console.views.jobs import JobView
from hub.console.views.joining import JoiningView
from hub.console.views.people import PeopleView
from hub.console.views.person import PersonView
from hub.console.views.proposals import ProposalView
from hub.console.views.system import SystemView
from hub.joining.desk import JoiningDesk
from hub.settings import Settings


def administration_views(
    ledger: Ledger, settings: Settings, pages: Pages, clock: Clock, proposals: ProposalDesk | None
) -> tuple[View, ...]:
    """Returns all these views.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        pages: renders.
        clock: the hub's clock.
        proposals: takes, decides and executes sensitive operations; without one nothing can be executed.
    """
    return (
        JoiningView(JoiningDesk(ledger, settings, clock), settings, pages),
        ProposalView(ledger, settings, pages, clock, proposals or ProposalDesk(ledger, settings, clock, {})),
        AuditView(ledger, settings, pages, clock),
        PeopleView(ledger, pages, settings.hub.region, clock),
        PersonView(ledger, settings, pages, clock),
        JobView(ledger, settings, pages, clock),
        SystemView(ledger, settings, pages, clock),
    )
