"""Every page of the console with addresses to read it by at a nation's hub; a page that is missing here is told."""

from auth.person import Role
from bench.workload import ISSUER
from hub.doors import PAGE_DOORS, Who

_COUNTY, _PROVINCE = "110101", "110000"
#: A case that was applied for real, so that its record can be read.
_CASE = f"issuer={ISSUER}&no=C2020-00000007"
_LINK = f"id={_COUNTY}.platform"
#: Pages of the navigation and what they lead to, by their door. ``{month}`` is the last full one.
ADDRESSES: dict[str, tuple[str, ...]] = {
    "GET /": ("/", f"/?region={_PROVINCE}", "/?lang=en"),
    "GET /links": ("/links", "/links?health=down", f"/links?region={_PROVINCE}", "/links?page=40"),
    "GET /links/show": (f"/links/show?{_LINK}",),
    "GET /links/history": tuple(f"/links/history?{_LINK}{span}" for span in ("", "&span=week", "&span=year")),
    "GET /alerts": ("/alerts",),
    "GET /jobs": ("/jobs",),
    "GET /joining": ("/joining",),
    "GET /proposals": ("/proposals",),
    "GET /audit": ("/audit",),
    "GET /audit/witnesses": ("/audit/witnesses",),
    "GET /system": ("/system",),
    "GET /system/settings": ("/system/settings",),
    "GET /system/notes": ("/system/notes",),
    "GET /components": ("/components", f"/components?region={_COUNTY}"),
    "GET /components/rounds": ("/components/rounds",),
    "GET /standards": ("/standards",),
    "GET /figures": (
        "/figures",
        "/figures?from={month}&to={month}&group=region",
        "/figures?from={month}&to={month}&group=unit",
        "/figures?from={month}&to={month}&group=class",
        f"/figures?region={_PROVINCE}&from={{month}}&to={{month}}&group=region",
        f"/figures?region={_COUNTY}&from={{month}}&to={{month}}&group=unit",
    ),
    "GET /figures/completeness": ("/figures/completeness?from={month}&to={month}",),
    "GET /figures/cases": tuple(
        f"/figures/cases?metric=F1&part={part}&region={region}&from={{month}}&to={{month}}"
        for part in ("numerator", "denominator")
        for region in ("000000", _PROVINCE, _COUNTY)
    ),
    "GET /reports": ("/reports",),
    "GET /evaluation": ("/evaluation",),
    "GET /questions": ("/questions", "/questions?from={month}&to={month}&group=unit&measure=count"),
    "GET /cases": (
        "/cases",
        "/cases?state=disposing",
        f"/cases?region={_PROVINCE}",
        f"/cases?region={_COUNTY}&state=closed",
        "/cases?q=井盖破损",
        f"/cases?region={_PROVINCE}&q=化粪池外溢",
    ),
    "GET /case": (f"/case?{_CASE}",),
    "GET /case/tiers": (f"/case/tiers?{_CASE}",),
    "GET /followup": ("/followup", "/followup?list=overdue", f"/followup?list=overdue&region={_PROVINCE}"),
    "GET /quarantine": ("/quarantine",),
    "GET /quarantine/{number}": ("/quarantine/8",),
    "GET /people": ("/people",),
    "GET /sso": ("/sso",),
    "GET /sso/bye": ("/sso/bye",),
    "GET /sso/me": ("/sso/me",),
}
#: Who reads a page that not everybody may.
ROLES = {
    "GET /joining": Role.SECURITY_OFFICER,
    "GET /people": Role.SECURITY_OFFICER,
    "GET /audit": Role.AUDITOR,
    "GET /audit/witnesses": Role.AUDITOR,
}


def left_out() -> list[str]:
    """Returns the doors for people that are not read: files, streams, and pages about one thing not made here."""
    doors = {name for name, door in PAGE_DOORS.items() if name.startswith("GET ") and door.who is Who.PEOPLE}
    return sorted(name.removeprefix("GET ") for name in doors - set(ADDRESSES))
