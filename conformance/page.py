"""The report as a page for people: one HTML file that needs nothing else, Chinese first, fit to be printed."""

from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined

from conformance.checks import GROUP_TITLES, VERDICT_TITLES, Face, Group, Texts, Verdict
from conformance.report import Report

_FACES = {Face.HUB: Texts("枢纽", "hub"), Face.PLATFORM: Texts("平台", "platform")}
_ENVIRONMENT = Environment(
    loader=PackageLoader("conformance"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page_of(report: Report) -> str:
    """Returns the page."""
    found = sorted(report.findings, key=lambda item: list(Group).index(Group(item.group)))
    groups = [(GROUP_TITLES[Group(group)], list(items)) for group, items in groupby(found, lambda item: item.group)]
    return _ENVIRONMENT.get_template("report.html").render(
        report=report,
        face=_FACES[Face(report.face)],
        groups=groups,
        failed=[item for item in found if item.verdict == Verdict.FAILED],
        verdicts={str(verdict): texts for verdict, texts in VERDICT_TITLES.items()},
    )
