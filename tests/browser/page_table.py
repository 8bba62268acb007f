"""Every page of the console with an address to look at it by. A page that is missing here fails the sweep."""

from typing import NamedTuple

from auth.person import Role

_ASKED = "from=2020&to=2020&group=unit&group=month&pivot=month&measure=count&measure=F1"


class Example(NamedTuple):
    """An address of a page, and which of the two filled hubs has something on it.

    ``{run}`` stands for the number of a score run, other names in braces for what else was made there. ``role`` is who
    looks: nobody may open every page.
    """

    address: str
    is_reckoned: bool = False
    role: Role = Role.OPERATOR


#: Door to the addresses its page is looked at by.
EXAMPLES: dict[str, tuple[Example, ...]] = {
    "GET /": (Example("/"), Example("/?region=431221")),
    "GET /links/history": (
        Example("/links/history?id=430000.hub"),
        Example("/links/history?id=430000.hub&span=week"),
        Example("/links/history?id=430000.hub&span=year"),
    ),
    "GET /links": (Example("/links"), Example("/links?health=down")),
    "GET /links/show": (Example("/links/show?id=430000.hub"), Example("/links/show?id=431225.platform")),
    "GET /links/certificate": (Example("/links/certificate?id=431225.platform", role=Role.SECURITY_OFFICER),),
    "GET /alerts": (Example("/alerts"),),
    "GET /jobs": (Example("/jobs"),),
    "GET /joining": (Example("/joining", role=Role.SECURITY_OFFICER),),
    "GET /joining/platform": (
        Example("/joining/platform?peer=431227.platform", is_reckoned=True, role=Role.SECURITY_OFFICER),
    ),
    "GET /proposals": (Example("/proposals"), Example("/proposals", is_reckoned=True)),
    "GET /proposals/{number}": (Example("/proposals/{proposal}", is_reckoned=True),),
    "GET /audit": (Example("/audit", role=Role.AUDITOR), Example("/audit", is_reckoned=True, role=Role.AUDITOR)),
    "GET /audit/{number}": (Example("/audit/{entry}", is_reckoned=True, role=Role.AUDITOR),),
    "GET /audit/verify": (Example("/audit/verify?from=1&to=5", is_reckoned=True, role=Role.AUDITOR),),
    "GET /audit/witnesses": (Example("/audit/witnesses", role=Role.AUDITOR),),
    "GET /system": (Example("/system"),),
    "GET /system/settings": (Example("/system/settings"),),
    "GET /system/notes": (Example("/system/notes"),),
    "GET /components": (Example("/components"), Example("/components?region=431221", is_reckoned=True)),
    "GET /component": (Example("/component?owner=431221.platform&id={component}", is_reckoned=True),),
    "GET /components/rounds": (Example("/components/rounds"), Example("/components/rounds", is_reckoned=True)),
    "GET /components/round": (Example("/components/round?id=R1&party=qs01", is_reckoned=True),),
    "GET /standards": (Example("/standards"), Example("/standards", is_reckoned=True)),
    "GET /standards/diff": (Example("/standards/diff?from=1&to=2", is_reckoned=True),),
    "GET /standards/impact": (Example("/standards/impact?kind=code_list&name={standard}", is_reckoned=True),),
    "GET /case/tiers": (Example("/case/tiers?issuer=431221.platform&no=2020-0101"),),
    "GET /figures": (
        Example("/figures?from=2020-05&to=2020-06", is_reckoned=True),
        Example("/figures?region=431221&from=2020-01&to=2020-12"),
    ),
    "GET /figures/completeness": (Example("/figures/completeness?from=2020-04&to=2020-07", is_reckoned=True),),
    "GET /figures/cases": (Example("/figures/cases?metric=F1&part=denominator&region=431221&from=2020-05&to=2020-05"),),
    "GET /reports": (Example("/reports", is_reckoned=True),),
    "GET /evaluation": (Example("/evaluation", is_reckoned=True),),
    "GET /evaluation/run": (Example("/evaluation/run?id={run}&unit=hw01", is_reckoned=True),),
    "GET /questions": (Example("/questions", is_reckoned=True), Example(f"/questions?{_ASKED}", is_reckoned=True)),
    "GET /cases": (Example("/cases?state=closed"),),
    "GET /case": (Example("/case?issuer=431221.platform&no=2020-0101"),),
    "GET /followup": (
        Example("/followup", is_reckoned=True),
        Example("/followup?list=overdue", is_reckoned=True),
    ),
    "GET /quarantine": (Example("/quarantine"),),
    "GET /quarantine/{number}": (Example("/quarantine/1"),),
    "GET /people": (Example("/people", role=Role.SECURITY_OFFICER),),
    "GET /people/person": (Example("/people/person?id={person}", is_reckoned=True, role=Role.SECURITY_OFFICER),),
    "GET /sso": (Example("/sso"),),
    "GET /sso/bye": (Example("/sso/bye"),),
    "GET /sso/me": (Example("/sso/me"),),
}
#: Doors that show people no page of their own: files, streams, answers to machines, and ways on to elsewhere.
NO_PAGES = frozenset(
    {
        "GET /live",
        "GET /livez",
        "GET /readyz",
        "GET /healthz/deep",
        "GET /components/map.svg",
        "GET /joining/mapping",
        "GET /joining/report",
        "GET /case/file",
        "GET /cases/export",
        "GET /static/{name}",
        "GET /healthz",
        "GET /metrics",
        "GET /reports/file",
        "GET /questions/export",
        "GET /sso/to/{upstream}",
        "GET /sso/back/{upstream}",
    }
)
#: Doors of other platforms' software: sign-on for them, and their lists of people.
SOFTWARE = ("GET /.well-known/", "GET /oidc/", "GET /cas/", "GET /scim/")
