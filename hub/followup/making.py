"""Putting the desks of what follows from figures together."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from exchange_db.facts import class_key
from exchange_db.regions import Tier, tier_of
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.documents.making import make_document_desk
from hub.followup.letters import LetterDesk, Print
from hub.followup.lists import ListDesk
from hub.settings import Settings
from hub.standards.register import ClassRegister


class FollowupDesks(NamedTuple):
    """Letters about frequent problems, and lists of cases."""

    letters: LetterDesk
    lists: ListDesk


def make_followup(
    settings: Settings,
    ledger: Ledger,
    clock: Clock,
    tell: Callable[[], None] | None = None,
    print_letter: Print | None = None,
) -> FollowupDesks:
    """Returns the desks of a hub.

    Args:
        settings: all settings of the hub.
        ledger: the hub's database.
        clock: the hub's clock.
        tell: wakes apply in this process, where it runs here.
        print_letter: lays letters out; needed where somebody sends them.
    """
    documents = make_document_desk(settings, ledger, clock, tell)
    part = settings.followup

    async def read_names() -> Mapping[str, str]:
        standards = settings.standards
        register = ClassRegister(settings.hub.region, standards.unlisted, standards.accepts)
        async with ledger.read() as session:
            await register.read(session, clock())
        return {class_key(code.standard_ref, code.kind, code.code): code.name for code, _ in register.in_force(clock())}

    return FollowupDesks(
        LetterDesk(ledger, documents, part, read_names, clock, settings.figures.zone, print_letter),
        ListDesk(ledger, documents, part, settings.life, clock),
    )


def proposes_letters(settings: Settings) -> bool:
    """Tells whether a hub proposes letters by itself: as it is set, else when it is a city's."""
    chosen = settings.followup.proposes
    return tier_of(settings.hub.region) is Tier.CITY if chosen is None else chosen
