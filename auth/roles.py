"""Which role may do what: the table of rights, as data.

Owns actions, kinds, neighbours, the tiers a right needs, and the roles that exclude each other. Decides nothing;
that is ``auth.permissions``, which compiles this table once. ``docs/security/rights.md`` is drawn from here.

The three administrators of the classified protection scheme are the operator (系统管理员), the security officer
(安全管理员) and the auditor (审计管理员); nobody is two of them.

Source: GB/T 22239-2019, 8.1.5 (安全管理中心: 系统管理, 审计管理, 安全管理).
"""

from enum import StrEnum
from types import MappingProxyType

from auth.person import Role
from exchange_db.regions import Tier


class Action(StrEnum):
    """What is done to a thing."""

    READ = "read"
    LIST = "list"
    EXPORT = "export"
    CHANGE = "change"
    REPLAY = "replay"
    REPAIR = "repair"
    DISCARD = "discard"
    PUBLISH = "publish"
    WITHDRAW = "withdraw"
    GRANT = "grant"
    BLOCK = "block"
    PROPOSE = "propose"
    APPROVE = "approve"
    RESTORE = "restore"
    UNMASK = "unmask"


class Kind(StrEnum):
    """What something is done to."""

    CASE = "case"
    COMPONENT = "component"
    FIGURE = "figure"
    EVALUATION = "evaluation"
    DOCUMENT = "document"
    STANDARD = "standard"
    MAPPING = "mapping"
    LINK = "link"
    JOB = "job"
    QUARANTINE = "quarantine"
    ATTACHMENT = "attachment"
    PERSONAL_DATA = "personal_data"
    PERSON = "person"
    SESSION = "session"
    PEER = "peer"
    KEY = "key"
    AUDIT = "audit"
    PROPOSAL = "proposal"
    SETTING = "setting"
    DATABASE = "database"
    ALERT = "alert"


class Neighbour(StrEnum):
    """What a hub or platform with an entry in the registry is to this hub."""

    PARENT_HUB = "parent hub"
    PARENT_PLATFORM = "parent platform"
    CHILD_HUB = "child hub"
    CHILD_PLATFORM = "child platform"


#: Kinds that belong to a hub as a whole: a right on them counts when it is held in the hub's own region or above.
HUB_WIDE = frozenset({Kind.JOB, Kind.MAPPING, Kind.KEY, Kind.AUDIT, Kind.SETTING, Kind.DATABASE})
#: Actions that leave everything as it was.
READING = frozenset({Action.READ, Action.LIST, Action.EXPORT})
_LOOK = frozenset({Action.READ, Action.LIST})
_SHARED = {Kind.CASE, Kind.COMPONENT, Kind.FIGURE, Kind.EVALUATION, Kind.DOCUMENT, Kind.STANDARD, Kind.ATTACHMENT}


def _looking(*kinds: Kind) -> dict[Kind, frozenset[Action]]:
    return dict.fromkeys(kinds, _LOOK)


#: What each role may do, kind by kind. What is not here is refused.
RIGHTS = MappingProxyType(
    {
        Role.VIEWER: {
            **_looking(*_SHARED, Kind.LINK, Kind.JOB, Kind.QUARANTINE, Kind.ALERT),
            Kind.FIGURE: READING,
            Kind.EVALUATION: READING,
        },
        Role.OPERATOR: {
            **_looking(*_SHARED, Kind.PEER, Kind.SETTING, Kind.DATABASE),
            Kind.CASE: READING | {Action.REPLAY, Action.REPAIR, Action.PROPOSE, Action.APPROVE},
            Kind.COMPONENT: READING | {Action.CHANGE},
            Kind.FIGURE: READING | {Action.REPAIR, Action.PROPOSE},
            Kind.EVALUATION: READING,
            Kind.DOCUMENT: READING | {Action.CHANGE},
            Kind.LINK: _LOOK | {Action.CHANGE, Action.REPAIR, Action.PROPOSE, Action.APPROVE},
            Kind.JOB: _LOOK | {Action.CHANGE},
            Kind.QUARANTINE: READING | {Action.REPLAY, Action.DISCARD, Action.PROPOSE, Action.APPROVE},
            Kind.MAPPING: _LOOK | {Action.CHANGE, Action.PROPOSE, Action.APPROVE},
            Kind.PERSONAL_DATA: frozenset({Action.UNMASK, Action.PROPOSE, Action.APPROVE}),
            Kind.SETTING: _LOOK | {Action.CHANGE, Action.PROPOSE},
            Kind.DATABASE: _LOOK | {Action.RESTORE, Action.PROPOSE},
            Kind.PROPOSAL: _LOOK | {Action.PROPOSE},
            Kind.ALERT: _LOOK | {Action.CHANGE},
        },
        Role.STANDARDS_PUBLISHER: {
            **_looking(*_SHARED),
            Kind.STANDARD: READING | {Action.CHANGE, Action.PUBLISH, Action.WITHDRAW, Action.PROPOSE, Action.APPROVE},
            Kind.MAPPING: _LOOK | {Action.PROPOSE, Action.APPROVE},
            Kind.PROPOSAL: _LOOK | {Action.PROPOSE},
        },
        Role.EVALUATOR: {
            **_looking(*_SHARED),
            Kind.FIGURE: READING | {Action.PROPOSE, Action.APPROVE},
            Kind.EVALUATION: READING | {Action.CHANGE, Action.PUBLISH, Action.WITHDRAW, Action.PROPOSE, Action.APPROVE},
            Kind.PROPOSAL: _LOOK | {Action.PROPOSE},
        },
        Role.SECURITY_OFFICER: {
            **_looking(Kind.LINK, Kind.JOB, Kind.ALERT),
            Kind.PERSON: READING | {Action.CHANGE, Action.GRANT, Action.BLOCK},
            Kind.SESSION: _LOOK | {Action.BLOCK},
            Kind.PEER: _LOOK | {Action.CHANGE, Action.GRANT, Action.BLOCK, Action.PROPOSE, Action.APPROVE},
            Kind.KEY: _LOOK | {Action.CHANGE, Action.PROPOSE, Action.APPROVE},
            Kind.SETTING: _LOOK | {Action.APPROVE},
            Kind.DATABASE: _LOOK | {Action.APPROVE},
            Kind.PROPOSAL: _LOOK | {Action.PROPOSE, Action.APPROVE},
        },
        Role.AUDITOR: {
            **_looking(*_SHARED, *Kind),
            Kind.AUDIT: READING,
            Kind.PERSONAL_DATA: frozenset(),
            Kind.KEY: frozenset({Action.LIST}),
        },
    }
)

_EVERY_TIER = frozenset(Tier)
#: Tiers at which a right must be held to count; what is not here counts at each of the four.
TIERS = MappingProxyType(
    {
        # A county uses standards and makes none.
        (Action.PUBLISH, Kind.STANDARD): _EVERY_TIER - {Tier.COUNTY},
        (Action.WITHDRAW, Kind.STANDARD): _EVERY_TIER - {Tier.COUNTY},
        (Action.APPROVE, Kind.STANDARD): _EVERY_TIER - {Tier.COUNTY},
        # Who evaluates stands above who is evaluated.
        (Action.CHANGE, Kind.EVALUATION): _EVERY_TIER - {Tier.COUNTY},
        (Action.PUBLISH, Kind.EVALUATION): _EVERY_TIER - {Tier.COUNTY},
        (Action.WITHDRAW, Kind.EVALUATION): _EVERY_TIER - {Tier.COUNTY},
        (Action.APPROVE, Kind.EVALUATION): _EVERY_TIER - {Tier.COUNTY},
        # Province and nation work with statistics; persons are dealt with where the case is.
        (Action.UNMASK, Kind.PERSONAL_DATA): frozenset({Tier.CITY, Tier.COUNTY}),
        (Action.APPROVE, Kind.PERSONAL_DATA): frozenset({Tier.CITY, Tier.COUNTY}),
        (Action.PROPOSE, Kind.PERSONAL_DATA): frozenset({Tier.CITY, Tier.COUNTY}),
    }
)

_WORKING = (Role.VIEWER, Role.OPERATOR, Role.STANDARDS_PUBLISHER, Role.EVALUATOR)
#: Roles one person cannot hold together, wherever they hold them.
CONFLICTS = frozenset(
    {frozenset({Role.SECURITY_OFFICER, role}) for role in (*_WORKING, Role.AUDITOR)}
    | {frozenset({Role.AUDITOR, role}) for role in _WORKING if role is not Role.VIEWER}
)

#: What somebody from a platform above may be here: an inspector looks and changes nothing.
INSPECTING = MappingProxyType(
    {
        Role.VIEWER: Role.VIEWER,
        Role.OPERATOR: Role.VIEWER,
        Role.STANDARDS_PUBLISHER: Role.VIEWER,
        Role.EVALUATOR: Role.VIEWER,
        Role.AUDITOR: Role.AUDITOR,
    }
)
