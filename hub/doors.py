"""Every way into a hub and the right it needs: rpcs, REST calls, pages. What is not here is not served.

Owns the table. ``hub.rpc``, ``hub.rest`` and ``hub.console`` ask it before they serve anything and fail at start when
one of their calls is missing; ``auth.permissions`` decides. ``docs/security/rights.md`` is drawn from here by
``make docs``, and ``tests/e2e/test_rights_sweep.py`` knocks at each.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from auth.roles import CONFLICTS, HUB_WIDE, RIGHTS, TIERS, Action, Kind, Neighbour
from exchange_db.regions import Tier


class Who(StrEnum):
    """Who is let in, where it is not sorts of neighbours."""

    PEOPLE = "people with the right"
    SIGNED_ON = "whoever is signed on"
    MACHINE = "this machine, or people with the right"
    EVERYBODY = "everybody"


class Door(NamedTuple):
    """A way in.

    Args:
        action, kind: the right it takes.
        who: the neighbours that may come, or whom else.
        note: where everybody may come, why, and what is checked behind the door.
    """

    action: Action
    kind: Kind
    who: Who | frozenset[Neighbour]
    note: str = ""


class DoorUndeclared(RuntimeError):
    """Something is served that the table does not know; a mistake of the programmer, found at start."""


_ALL = frozenset(Neighbour)
_ABOVE = frozenset({Neighbour.PARENT_HUB})
_HUBS = frozenset({Neighbour.PARENT_HUB, Neighbour.CHILD_HUB})


def _neighbours(package: str, kind: Kind, **methods: Action) -> dict[str, Door]:
    return {f"/sanji.{package}/{method}": Door(action, kind, _ALL) for method, action in methods.items()}


#: Full name of an rpc to its door.
RPC_DOORS: Mapping[str, Door] = MappingProxyType(
    {
        **_neighbours("exchange.v1.ExchangeService", Kind.CASE, Push=Action.CHANGE, PushOne=Action.CHANGE),
        **_neighbours("exchange.v1.ExchangeService", Kind.CASE, Pull=Action.READ, GetCase=Action.READ),
        **_neighbours("exchange.v1.ExchangeService", Kind.CASE, ListCases=Action.LIST, TraceCase=Action.READ),
        **_neighbours("federation.v1.FederationService", Kind.LINK, Hello=Action.CHANGE, Heartbeat=Action.CHANGE),
        **_neighbours("federation.v1.FederationService", Kind.PEER, ListPeers=Action.LIST),
        "/sanji.federation.v1.FederationService/Join": Door(
            Action.CHANGE, Kind.PEER, Who.EVERYBODY, "has no entry yet; an invitation with a code used once is checked"
        ),
        **_neighbours(
            "federation.v1.ReconcileService",
            Kind.LINK,
            ListDayTotals=Action.LIST,
            ListHourTotals=Action.LIST,
            ListBucketTotals=Action.LIST,
            ListMarks=Action.LIST,
            ExplainMarks=Action.READ,
            FetchRecords=Action.READ,
            ResendRecords=Action.REPAIR,
            TellResults=Action.CHANGE,
            ReturnParcels=Action.READ,
        ),
        **_neighbours("standards.v1.StandardsService", Kind.STANDARD, ListReleases=Action.LIST, GetRelease=Action.READ),
        **_neighbours(
            "standards.v1.StandardsService", Kind.STANDARD, FetchDocument=Action.READ, ComputeDeadline=Action.READ
        ),
        "/sanji.standards.v1.StandardsService/Announce": Door(Action.PUBLISH, Kind.STANDARD, _ABOVE),
        **_neighbours(
            "statistics.v1.StatisticsService",
            Kind.FIGURE,
            GetFigures=Action.READ,
            GetIndicators=Action.READ,
            ListFigureCases=Action.LIST,
            GetFiguresAsOf=Action.READ,
            GetCompleteness=Action.READ,
        ),
        **_neighbours("attachment.v1.AttachmentService", Kind.ATTACHMENT, Upload=Action.CHANGE, Download=Action.READ),
        **_neighbours(
            "attachment.v1.AttachmentService", Kind.ATTACHMENT, StatAttachments=Action.READ, ListWanted=Action.LIST
        ),
        **_neighbours(
            "component.v1.ComponentService", Kind.COMPONENT, ListComponents=Action.LIST, GetComponent=Action.READ
        ),
        **_neighbours(
            "component.v1.OwnershipService",
            Kind.COMPONENT,
            ListOwnershipItems=Action.LIST,
            AnswerOwnershipItems=Action.CHANGE,
            GetOwnershipProgress=Action.READ,
            ListAgreedChanges=Action.LIST,
        ),
        **_neighbours("document.v1.DocumentService", Kind.DOCUMENT, ListDocuments=Action.LIST, GetDocument=Action.READ),
        **_neighbours("document.v1.DocumentService", Kind.DOCUMENT, AnswerDocument=Action.CHANGE),
        **_neighbours(
            "evaluation.v1.EvaluationService",
            Kind.EVALUATION,
            ListSchemes=Action.LIST,
            ListRuns=Action.LIST,
            GetRun=Action.READ,
            GetSurvey=Action.READ,
            SubmitAnswers=Action.CHANGE,
            RaiseObjection=Action.PROPOSE,
        ),
        "/sanji.audit.v1.AuditService/Countersign": Door(Action.CHANGE, Kind.AUDIT, _HUBS),
        "/grpc.health.v1.Health/Check": Door(Action.READ, Kind.LINK, _ALL),
        "/grpc.health.v1.Health/Watch": Door(Action.READ, Kind.LINK, _ALL),
        "/grpc.health.v1.Health/List": Door(Action.LIST, Kind.LINK, _ALL),
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Door(Action.READ, Kind.LINK, _ALL),
    }
)

#: Method and path of a REST call to its door.
REST_DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "GET /v1/health": Door(Action.READ, Kind.LINK, Who.EVERYBODY, "tells the time, which a signature needs"),
        "GET /v1/whoami": Door(Action.READ, Kind.PEER, _ALL),
        "POST /v1/parcels": Door(Action.CHANGE, Kind.CASE, _ALL),
        "GET /v1/parcels": Door(Action.READ, Kind.CASE, _ALL),
        "GET /v1/receipts": Door(Action.READ, Kind.CASE, _ALL),
        "POST /v1/reporters": Door(Action.CHANGE, Kind.PERSONAL_DATA, frozenset({Neighbour.CHILD_PLATFORM})),
        "POST /v1/survey-answers": Door(Action.CHANGE, Kind.EVALUATION, _ALL),
        "* /{rest}": Door(Action.READ, Kind.LINK, Who.EVERYBODY, "says that there is no such call"),
    }
)

_PROVES = "a registered platform's software proves itself"
_SENT = "platform and address of return are registered; who is signed on is looked up"
#: Where this hub signs people on for other platforms.
PROVIDER_DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "GET /.well-known/openid-configuration": Door(Action.READ, Kind.SETTING, Who.EVERYBODY, "the same for all"),
        "GET /oidc/keys": Door(Action.READ, Kind.KEY, Who.EVERYBODY, "public keys only"),
        "GET /oidc/authorize": Door(Action.CHANGE, Kind.SESSION, Who.EVERYBODY, _SENT),
        "POST /oidc/authorize": Door(Action.CHANGE, Kind.SESSION, Who.EVERYBODY, _SENT),
        "GET /oidc/resume": Door(Action.CHANGE, Kind.SESSION, Who.EVERYBODY, _SENT),
        "GET /oidc/logout": Door(Action.BLOCK, Kind.SESSION, Who.EVERYBODY, "ends the asker's own session, or asks"),
        "POST /oidc/logout": Door(Action.BLOCK, Kind.SESSION, Who.EVERYBODY, "ends the asker's own session, or asks"),
        "POST /oidc/logout/yes": Door(Action.BLOCK, Kind.SESSION, Who.EVERYBODY, "a form of ours is checked"),
        "POST /oidc/par": Door(Action.CHANGE, Kind.SESSION, Who.EVERYBODY, _PROVES),
        "POST /oidc/token": Door(Action.READ, Kind.SESSION, Who.EVERYBODY, _PROVES),
        "GET /oidc/userinfo": Door(Action.READ, Kind.SESSION, Who.EVERYBODY, "an access token is checked"),
        "POST /oidc/userinfo": Door(Action.READ, Kind.SESSION, Who.EVERYBODY, "an access token is checked"),
        "POST /oidc/introspect": Door(Action.READ, Kind.SESSION, Who.EVERYBODY, _PROVES),
        "POST /oidc/revoke": Door(Action.BLOCK, Kind.SESSION, Who.EVERYBODY, _PROVES),
        "GET /cas/login": Door(Action.CHANGE, Kind.SESSION, Who.EVERYBODY, _SENT),
        "GET /cas/resume": Door(Action.CHANGE, Kind.SESSION, Who.EVERYBODY, _SENT),
        "GET /cas/serviceValidate": Door(Action.READ, Kind.SESSION, Who.EVERYBODY, "a ticket is used up"),
        "GET /cas/p3/serviceValidate": Door(Action.READ, Kind.SESSION, Who.EVERYBODY, "a ticket is used up"),
        "GET /cas/logout": Door(Action.BLOCK, Kind.SESSION, Who.EVERYBODY, "ends the asker's own session"),
    }
)

_LISTS = "a platform's secret is checked; it reaches that platform's own list and nothing else"
#: Where platforms hand in their lists of people (SCIM 2.0).
LIST_DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "GET /scim/v2/ServiceProviderConfig": Door(Action.READ, Kind.SETTING, Who.EVERYBODY, _LISTS),
        "GET /scim/v2/ResourceTypes": Door(Action.READ, Kind.SETTING, Who.EVERYBODY, _LISTS),
        "GET /scim/v2/ResourceTypes/{id}": Door(Action.READ, Kind.SETTING, Who.EVERYBODY, _LISTS),
        "GET /scim/v2/Schemas": Door(Action.READ, Kind.SETTING, Who.EVERYBODY, _LISTS),
        "GET /scim/v2/Schemas/{id}": Door(Action.READ, Kind.SETTING, Who.EVERYBODY, _LISTS),
        "GET /scim/v2/Users": Door(Action.LIST, Kind.PERSON, Who.EVERYBODY, _LISTS),
        "POST /scim/v2/Users": Door(Action.CHANGE, Kind.PERSON, Who.EVERYBODY, _LISTS),
        "GET /scim/v2/Users/{id}": Door(Action.READ, Kind.PERSON, Who.EVERYBODY, _LISTS),
        "PUT /scim/v2/Users/{id}": Door(Action.CHANGE, Kind.PERSON, Who.EVERYBODY, _LISTS),
        "PATCH /scim/v2/Users/{id}": Door(Action.CHANGE, Kind.PERSON, Who.EVERYBODY, _LISTS),
        "DELETE /scim/v2/Users/{id}": Door(Action.BLOCK, Kind.PERSON, Who.EVERYBODY, _LISTS),
        "GET /scim/v2/{rest}": Door(Action.READ, Kind.SETTING, Who.EVERYBODY, _LISTS),
        "POST /scim/v2/.search": Door(Action.LIST, Kind.PERSON, Who.EVERYBODY, _LISTS),
        "POST /scim/v2/Users/.search": Door(Action.LIST, Kind.PERSON, Who.EVERYBODY, _LISTS),
    }
)

_THERE = "the right in the platform's region is checked too"
_CONCERNED = "the right to do so with what it concerns is checked too"
#: Where administrators let platforms in, decide, look things up, and see how the hub is set up.
ADMINISTRATION_DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "GET /joining": Door(Action.LIST, Kind.PEER, Who.PEOPLE),
        "POST /joining": Door(Action.CHANGE, Kind.PEER, Who.PEOPLE, _THERE),
        "POST /joining/letter": Door(Action.CHANGE, Kind.PEER, Who.PEOPLE, "gives the asker's own text back as a file"),
        "GET /joining/platform": Door(Action.READ, Kind.PEER, Who.PEOPLE, _THERE),
        "GET /joining/mapping": Door(Action.READ, Kind.PEER, Who.PEOPLE, _THERE),
        "GET /joining/report": Door(Action.READ, Kind.PEER, Who.PEOPLE, _THERE),
        "POST /joining/confirm": Door(Action.CHANGE, Kind.PEER, Who.PEOPLE, _THERE),
        "POST /joining/secret": Door(Action.CHANGE, Kind.PEER, Who.PEOPLE, _THERE),
        "POST /joining/link": Door(Action.CHANGE, Kind.LINK, Who.PEOPLE, _THERE),
        "POST /joining/database": Door(Action.CHANGE, Kind.PEER, Who.PEOPLE, _THERE),
        "POST /joining/mapping": Door(Action.CHANGE, Kind.MAPPING, Who.PEOPLE),
        "POST /joining/kit": Door(Action.CHANGE, Kind.LINK, Who.PEOPLE, _THERE),
        "POST /joining/live": Door(Action.CHANGE, Kind.PEER, Who.PEOPLE, _THERE),
        "POST /joining/withdraw": Door(Action.CHANGE, Kind.PEER, Who.PEOPLE, _THERE),
        "GET /proposals": Door(Action.LIST, Kind.PROPOSAL, Who.PEOPLE),
        "POST /proposals": Door(Action.PROPOSE, Kind.PROPOSAL, Who.PEOPLE, _CONCERNED),
        "GET /proposals/{number}": Door(Action.READ, Kind.PROPOSAL, Who.PEOPLE),
        "POST /proposals/{number}/approve": Door(Action.READ, Kind.PROPOSAL, Who.PEOPLE, _CONCERNED),
        "POST /proposals/{number}/refuse": Door(Action.READ, Kind.PROPOSAL, Who.PEOPLE, _CONCERNED),
        "POST /proposals/{number}/run": Door(Action.PROPOSE, Kind.PROPOSAL, Who.PEOPLE, _CONCERNED),
        "POST /proposals/{number}/abort": Door(Action.PROPOSE, Kind.PROPOSAL, Who.PEOPLE, _CONCERNED),
        "GET /audit": Door(Action.LIST, Kind.AUDIT, Who.PEOPLE),
        "GET /audit/{number}": Door(Action.READ, Kind.AUDIT, Who.PEOPLE),
        "GET /audit/verify": Door(Action.READ, Kind.AUDIT, Who.PEOPLE),
        "GET /audit/witnesses": Door(Action.READ, Kind.AUDIT, Who.PEOPLE),
        "POST /audit/export": Door(Action.EXPORT, Kind.AUDIT, Who.PEOPLE),
        "GET /people/person": Door(Action.READ, Kind.PERSON, Who.PEOPLE, "the right in the person's region"),
        "POST /people/session": Door(Action.BLOCK, Kind.SESSION, Who.PEOPLE, "the right in the person's region"),
        "GET /system": Door(Action.LIST, Kind.SETTING, Who.PEOPLE),
        "GET /system/settings": Door(Action.READ, Kind.SETTING, Who.PEOPLE),
        "GET /system/notes": Door(Action.LIST, Kind.SETTING, Who.PEOPLE),
    }
)

_FOR_HUB = "the right in the hub's own region is checked too"
#: Method and path of a page to its door.
PAGE_DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "GET /": Door(Action.LIST, Kind.LINK, Who.PEOPLE),
        "GET /links": Door(Action.LIST, Kind.LINK, Who.PEOPLE),
        "GET /links/show": Door(Action.READ, Kind.LINK, Who.PEOPLE),
        "GET /links/certificate": Door(Action.CHANGE, Kind.PEER, Who.PEOPLE, _THERE),
        "POST /links/certificate": Door(Action.CHANGE, Kind.PEER, Who.PEOPLE, _THERE),
        "POST /links/{deed}": Door(
            Action.CHANGE, Kind.LINK, Who.PEOPLE, "resync takes repair link too; all of the hub at once, its region"
        ),
        "GET /jobs": Door(Action.LIST, Kind.JOB, Who.PEOPLE),
        "POST /jobs/run": Door(Action.CHANGE, Kind.JOB, Who.PEOPLE),
        **ADMINISTRATION_DOORS,
        "GET /figures": Door(Action.READ, Kind.FIGURE, Who.PEOPLE),
        "GET /reports": Door(Action.LIST, Kind.FIGURE, Who.PEOPLE),
        "POST /reports": Door(Action.LIST, Kind.FIGURE, Who.PEOPLE, "change document there is checked too"),
        "GET /reports/file": Door(Action.EXPORT, Kind.FIGURE, Who.PEOPLE),
        "GET /figures/completeness": Door(Action.READ, Kind.FIGURE, Who.PEOPLE),
        "GET /figures/cases": Door(Action.LIST, Kind.CASE, Who.PEOPLE),
        "GET /evaluation": Door(Action.LIST, Kind.EVALUATION, Who.PEOPLE),
        "GET /evaluation/run": Door(Action.READ, Kind.EVALUATION, Who.PEOPLE),
        "POST /evaluation/objections": Door(
            Action.PROPOSE, Kind.EVALUATION, Who.PEOPLE, "writes a unit's objection down; units also object by gRPC"
        ),
        "POST /evaluation/rulings": Door(Action.APPROVE, Kind.EVALUATION, Who.PEOPLE, "not by who objected"),
        "GET /questions": Door(Action.READ, Kind.FIGURE, Who.PEOPLE),
        "GET /questions/export": Door(Action.EXPORT, Kind.FIGURE, Who.PEOPLE),
        "POST /questions/save": Door(Action.READ, Kind.FIGURE, Who.PEOPLE, "their own questions"),
        "POST /questions/delete": Door(Action.READ, Kind.FIGURE, Who.PEOPLE, "their own questions"),
        "GET /cases": Door(Action.LIST, Kind.CASE, Who.PEOPLE),
        "GET /cases/export": Door(Action.EXPORT, Kind.CASE, Who.PEOPLE),
        "GET /case/tiers": Door(Action.READ, Kind.CASE, Who.PEOPLE),
        "GET /case/file": Door(Action.READ, Kind.ATTACHMENT, Who.PEOPLE),
        "GET /case": Door(Action.READ, Kind.CASE, Who.PEOPLE),
        "POST /case/unmask": Door(
            Action.READ, Kind.CASE, Who.PEOPLE, "unmask personal_data there, and a reason, are checked too"
        ),
        "GET /components": Door(Action.LIST, Kind.COMPONENT, Who.PEOPLE),
        "GET /components/map.svg": Door(Action.LIST, Kind.COMPONENT, Who.PEOPLE),
        "GET /component": Door(Action.READ, Kind.COMPONENT, Who.PEOPLE),
        "GET /components/rounds": Door(Action.LIST, Kind.COMPONENT, Who.PEOPLE),
        "GET /components/round": Door(Action.READ, Kind.COMPONENT, Who.PEOPLE),
        "POST /components/rounds": Door(Action.CHANGE, Kind.COMPONENT, Who.PEOPLE),
        "POST /components/round/{step}": Door(Action.CHANGE, Kind.COMPONENT, Who.PEOPLE),
        "GET /standards": Door(Action.LIST, Kind.STANDARD, Who.PEOPLE),
        "GET /standards/diff": Door(Action.READ, Kind.STANDARD, Who.PEOPLE),
        "GET /standards/impact": Door(Action.READ, Kind.STANDARD, Who.PEOPLE, _FOR_HUB),
        "GET /followup": Door(Action.LIST, Kind.DOCUMENT, Who.PEOPLE),
        "POST /followup/confirm": Door(Action.CHANGE, Kind.DOCUMENT, Who.PEOPLE, _FOR_HUB),
        "POST /followup/dismiss": Door(Action.CHANGE, Kind.DOCUMENT, Who.PEOPLE, _FOR_HUB),
        "GET /alerts": Door(Action.LIST, Kind.ALERT, Who.PEOPLE, "numbers and addresses of contacts take change alert"),
        "POST /alerts/acknowledge": Door(Action.CHANGE, Kind.ALERT, Who.PEOPLE),
        "POST /alerts/silence": Door(Action.CHANGE, Kind.ALERT, Who.PEOPLE),
        "POST /alerts/unsilence": Door(Action.CHANGE, Kind.ALERT, Who.PEOPLE),
        "POST /alerts/contact": Door(Action.CHANGE, Kind.ALERT, Who.PEOPLE),
        "POST /alerts/remove": Door(Action.CHANGE, Kind.ALERT, Who.PEOPLE),
        "POST /alerts/rule": Door(Action.CHANGE, Kind.ALERT, Who.PEOPLE, _FOR_HUB),
        "POST /alerts/test": Door(Action.CHANGE, Kind.ALERT, Who.PEOPLE, _FOR_HUB),
        "POST /alerts/call": Door(Action.CHANGE, Kind.ALERT, Who.PEOPLE, _FOR_HUB),
        "POST /alerts/answer": Door(Action.CHANGE, Kind.ALERT, Who.PEOPLE, _FOR_HUB),
        "GET /quarantine": Door(Action.LIST, Kind.QUARANTINE, Who.PEOPLE),
        "GET /quarantine/{number}": Door(Action.READ, Kind.QUARANTINE, Who.PEOPLE),
        "GET /links/history": Door(Action.LIST, Kind.LINK, Who.PEOPLE),
        "GET /live": Door(Action.LIST, Kind.LINK, Who.SIGNED_ON, "tells that something has changed, never what"),
        "POST /quarantine/{number}/replay": Door(Action.REPLAY, Kind.QUARANTINE, Who.PEOPLE),
        "POST /quarantine/{number}/discard": Door(Action.DISCARD, Kind.QUARANTINE, Who.PEOPLE),
        "POST /quarantine/replay": Door(Action.REPLAY, Kind.QUARANTINE, Who.PEOPLE, _FOR_HUB),
        "GET /livez": Door(Action.READ, Kind.JOB, Who.MACHINE),
        "GET /readyz": Door(Action.READ, Kind.JOB, Who.MACHINE),
        "GET /healthz": Door(Action.READ, Kind.JOB, Who.MACHINE),
        "GET /healthz/deep": Door(Action.READ, Kind.JOB, Who.MACHINE),
        "GET /metrics": Door(Action.READ, Kind.JOB, Who.MACHINE),
        "GET /people": Door(Action.LIST, Kind.PERSON, Who.PEOPLE),
        "POST /people/{act}": Door(Action.LIST, Kind.PERSON, Who.PEOPLE, "the right of the act itself is checked too"),
        "GET /sso": Door(Action.LIST, Kind.SESSION, Who.EVERYBODY, "where people choose how to sign on"),
        "POST /sso/local": Door(Action.CHANGE, Kind.SESSION, Who.EVERYBODY, "password and code are checked"),
        "GET /sso/to/{upstream}": Door(Action.CHANGE, Kind.SESSION, Who.EVERYBODY, "begins a sign-on"),
        "GET /sso/back/{upstream}": Door(Action.CHANGE, Kind.SESSION, Who.EVERYBODY, "the answer is checked"),
        "POST /sso/back/{upstream}": Door(Action.BLOCK, Kind.SESSION, Who.EVERYBODY, "address and ticket are checked"),
        "POST /sso/backchannel/{upstream}": Door(Action.BLOCK, Kind.SESSION, Who.EVERYBODY, "a signed token is read"),
        "POST /sso/logout": Door(Action.BLOCK, Kind.SESSION, Who.EVERYBODY, "ends the asker's own session"),
        "GET /sso/bye": Door(Action.LIST, Kind.SESSION, Who.EVERYBODY, "says that a session has ended"),
        "GET /sso/me": Door(Action.READ, Kind.SESSION, Who.SIGNED_ON),
        "POST /sso/link": Door(Action.CHANGE, Kind.SESSION, Who.SIGNED_ON, "own account; signed on a moment ago"),
        "POST /sso/unlink": Door(Action.CHANGE, Kind.SESSION, Who.SIGNED_ON, "own accounts"),
        **PROVIDER_DOORS,
        **LIST_DOORS,
        "GET /static/{name}": Door(
            Action.READ, Kind.SETTING, Who.EVERYBODY, "style, scripts and pictures, the same for all"
        ),
    }
)


def carries_records(door: Door) -> bool:
    """Tells whether a call is closed while the link is paused: all but meeting, signs of life and comparing."""
    return door.kind not in (Kind.LINK, Kind.PEER) or door.action is Action.REPAIR


def place(method: str, path: str) -> str:
    """Returns the name a route stands under in these tables; asking for the head of a page is asking for it."""
    return f"{'GET' if method == 'HEAD' else method} {path}"


def require_declared(served: Iterable[str], doors: Mapping[str, Door]) -> None:
    """Checks that all that is served has its door.

    Raises:
        DoorUndeclared: with the names that are missing.
    """
    missing = sorted(set(served) - doors.keys())
    if missing:
        raise DoorUndeclared(f"no right is declared in hub/doors.py for {', '.join(missing)}")


def as_markdown() -> str:
    """Returns ``docs/security/rights.md``."""
    roles = "".join(
        f"| {role} | {kind} | {', '.join(_sorted(actions))} | {_tiers(kind, actions)} |\n"
        for role, kinds in RIGHTS.items()
        for kind, actions in sorted(kinds.items())
        if actions
    )
    apart = "".join(f"- {' and '.join(pair)}\n" for pair in sorted(sorted(pair) for pair in CONFLICTS))
    tables = (("gRPC", RPC_DOORS), ("REST", REST_DOORS), ("Pages", PAGE_DOORS))
    ways = "".join(
        f"\n### {name}\n\n| way in | right | who | |\n|---|---|---|---|\n"
        + "".join(
            f"| `{way}` | {door.action} {door.kind} | {_who(door)} | {door.note} |\n"
            for way, door in sorted(doors.items())
        )
        for name, doors in tables
    )
    return (
        "# Rights\n\nDrawn from `auth/roles.py` and `hub/doors.py` by `make docs`. A role holds in the region it is"
        " granted in and below.\nWhat is not here is refused. Why it is so:"
        " [decision 0023](../decisions/0023-rights.md).\n"
        "\n## What a role may do\n\n| role | kind | actions | counts only when held at |\n|---|---|---|---|\n"
        f"{roles}\nThese belong to a hub as a whole and take the right in the hub's own region or above:"
        f" {', '.join(sorted(HUB_WIDE))}.\n\n## Roles one person cannot hold together\n\n{apart}"
        f"\n## Ways in\n\nWhat is served and not listed here stops the hub from starting.\n{ways}"
    )


def _sorted(actions: Iterable[Action]) -> list[Action]:
    order = list(Action)
    return sorted(actions, key=order.index)


def _tiers(kind: Kind, actions: Iterable[Action]) -> str:
    limits = {action: TIERS[action, kind] for action in _sorted(actions) if (action, kind) in TIERS}
    return "; ".join(f"{action}: {', '.join(tier for tier in Tier if tier in at)}" for action, at in limits.items())


def _who(door: Door) -> str:
    if isinstance(door.who, Who):
        return door.who
    return "every neighbour" if door.who == _ALL else ", ".join(sorted(door.who))


if __name__ == "__main__":
    print(as_markdown(), end="")
