"""Making the checks of a platform: the kit serves as its hub and judges what comes."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from auth.key_cards import Card
from conformance import platform_giving, platform_pushing
from conformance.checks import Check, Finding, Group
from conformance.doorway import Doorway, Keys
from conformance.running import Cleared, judge
from conformance.scene import Scene, Terms
from conformance.site import Asking, Site
from conformance.stand_in import StandIn
from exchange_db.records import AssignmentState

#: The modules whose checks are made; importing them enters the checks.
MODULES = (platform_pushing, platform_giving)
#: Longest time of one check, as a multiple of the patience for one arrival.
_PATIENCE_TIMES = 4


class Role(NamedTuple):
    """Which hub is stood in for, and how.

    Args:
        hub_id: its name, which its certificate bears.
        keys: its files.
        address: where to listen.
        cards: cards of the keys the platform signs with, where it is to sign.
        handles: the platform answers dispatches without a person.
    """

    hub_id: str
    keys: Keys
    address: str
    cards: Sequence[Card] = ()
    handles: bool = False


async def check_platform(
    role: Role,
    terms: Terms,
    checks: Sequence[Check],
    ask: Callable[[Doorway], Asking],
    tell: Callable[[Finding], None] = lambda _: None,
) -> tuple[list[Finding], Cleared, str]:
    """Serves, makes checks, voids what was dispatched; returns what was found and the platform that came.

    Args:
        role: the hub that is stood in for.
        terms: what was agreed on; its platform is the dispatching authority.
        checks: those to be made, in this order.
        ask: is given the doorway once it is open, and returns what has the platform report.
        tell: is told each finding as it is made.

    Raises:
        PortTaken: the address cannot be listened on.
    """
    stand_in, findings = StandIn(role.hub_id, role.cards), []
    async with Doorway(stand_in, role.keys, role.address) as doorway:
        asking = ask(doorway)
        site = Site(stand_in, doorway, Scene(terms), asking, terms.patience_seconds, role.handles)
        cleared = None
        for item in checks:
            # Before a stranger shows up in our place: the platform may well keep away for a while after that.
            if cleared is None and item.group is Group.CERTIFICATES:
                cleared = await clear(site)
            finding = await judge(item, site, terms.patience_seconds * _PATIENCE_TIMES)
            tell(finding)
            findings.append(finding)
        cleared = cleared or await clear(site)
    return findings, cleared, stand_in.openings[-1].caller if stand_in.openings else ""


async def clear(site: Site) -> Cleared:
    """Voids the test cases that were dispatched to the platform; what it reported lies nowhere but with itself."""
    scene, hub = site.scene, site.hub
    if not hub.due or not hub.pulls:
        return Cleared(0, 0, ())
    reason = "一致性检验测试数据，作废"
    handler = hub.openings[-1].caller
    payloads = []
    for case_no in scene.case_numbers:
        voided = scene.assignment(2, AssignmentState.VOID, handler_id=handler, reason=reason)
        payloads.append(scene.payload(scene.case(case_no, assignment=voided)))
    hub.give(payloads)
    if await platform_giving.confirms(site):
        return Cleared(len(payloads), 0, ())
    return Cleared(0, 0, tuple(scene.case_numbers))
