"""Putting together what acts on links, of the settings of a hub."""

from exchange_db.session import Ledger
from hub.clock import Clock
from hub.delivery.dialling import Dialler
from hub.links.bundle import BundleMaker
from hub.links.control import LinkDesk
from hub.links.dossier import LinkArchive
from hub.links.greeting import Greeter
from hub.links.testing import LinkTester
from hub.settings import Settings


def make_dialler(settings: Settings, clock: Clock) -> Dialler:
    """Returns what dials neighbours with this hub's certificate."""
    tls = settings.tls
    return Dialler(tls.authority, tls.certificate, tls.key, clock)


def make_tester(settings: Settings, ledger: Ledger, clock: Clock) -> LinkTester:
    """Returns what tries links."""
    dialler = make_dialler(settings, clock)
    return LinkTester(ledger, dialler, clock, settings.hub.id, settings.intermediate.folder)


def make_desk(settings: Settings, ledger: Ledger, clock: Clock) -> LinkDesk:
    """Returns what acts on links."""
    return LinkDesk(ledger, make_tester(settings, ledger, clock), clock, settings.approvals.required)


def make_greeter(settings: Settings, ledger: Ledger, clock: Clock) -> Greeter:
    """Returns what asks neighbours what they run."""
    return Greeter(ledger, make_dialler(settings, clock), make_tester(settings, ledger, clock))


def make_archive(settings: Settings, ledger: Ledger, clock: Clock) -> LinkArchive:
    """Returns what tells all that is known of one link."""
    return LinkArchive(ledger, clock, settings.figures.zone)


def make_bundler(settings: Settings, ledger: Ledger, clock: Clock) -> BundleMaker:
    """Returns what packs diagnosis bundles."""
    return BundleMaker(ledger, settings, make_archive(settings, ledger, clock), clock)
