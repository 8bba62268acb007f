"""Filled-in forms for tests: tables written as text, one line a row, cells between bars."""

from typing import NamedTuple

from hub.evaluation.checking.check import check_document
from hub.evaluation.checking.documents import FormDocument, FormTable, TableRow
from hub.evaluation.checking.findings import Cause, Finding, Report, Rule, Severity
from hub.statistics.registry import NATIONAL, shipped_registry


def form(*tables: str, paragraphs: tuple[str, ...] = ()) -> FormDocument:
    """Returns a document of tables, named 表1, 表2 and so on."""
    return FormDocument(
        tuple(
            FormTable(
                f"表{number}",
                tuple(
                    TableRow(place, tuple(cell.strip() for cell in line.split("|")))
                    for place, line in enumerate(filter(str.strip, table.splitlines()), 1)
                ),
            )
            for number, table in enumerate(tables, 1)
        ),
        paragraphs,
    )


def checked(*tables: str, profile: str = NATIONAL, paragraphs: tuple[str, ...] = ()) -> Report:
    """Returns what the check finds in a form."""
    return check_document(form(*tables, paragraphs=paragraphs), shipped_registry(), profile)


class Found(NamedTuple):
    """A finding in short."""

    name: str
    rule: Rule
    severity: Severity
    stated: str
    computed: str
    cause: Cause | None


def short(finding: Finding) -> Found:
    """Returns a finding without its place and details."""
    return Found(finding.name, finding.rule, finding.severity, finding.stated, finding.computed, finding.cause)
