"""Metric definitions and scoring schemes that were released: checked before they are taken, and laid over the shipped.

A release of kind ``metrics`` has documents with one profile each, one of kind ``scoring`` documents with one scheme
each. What a document builds upon must be shipped or stand in it. Called by the command line and the jobs of standards.
"""

import logging
from collections.abc import Mapping
from typing import Final, NamedTuple

from exchange_db.records import Violated
from exchange_db.session import ReadSession
from hub.evaluation.scheme_file import SchemeInvalid, read_scheme
from hub.evaluation.schemes import Scheme
from hub.evaluation.shipped import shipped_schemes
from hub.standards import archive, documents
from hub.standards.catalogue import Catalogue
from hub.standards.documents import Finding
from hub.standards.layers import of_kind, origin_of
from hub.standards.manifest import StandardKind
from hub.standards.rulebook import Origin
from hub.statistics.definition_file import DefinitionInvalid
from hub.statistics.registry import MetricRegistry, shipped_registry

logger = logging.getLogger(__name__)


class Definitions(NamedTuple):
    """What counts in a region at a moment; ``left_out`` names the releases that could not be read."""

    metrics: MetricRegistry
    schemes: Mapping[str, Scheme]
    origins: tuple[Origin, ...]
    left_out: tuple[Origin, ...]


def validate_metrics(name: str, content: bytes, _catalogue: Catalogue) -> list[Finding]:
    """Finds what is wrong with metric definitions; stops at the first."""
    try:
        shipped_registry().laid_over({name: content})
    except DefinitionInvalid as error:
        return [Finding(is_wrong=True, place=error.place, chinese=error.chinese, english=error.english)]
    return []


def validate_scheme(name: str, content: bytes, _catalogue: Catalogue) -> list[Finding]:
    """Finds what is wrong with a scoring scheme; stops at the first."""
    try:
        read_scheme(name, content, shipped_registry())
    except SchemeInvalid as error:
        return [Finding(is_wrong=True, place=error.place, chinese=error.chinese, english=error.english)]
    return []


#: Validators of all kinds of standard that can be checked.
VALIDATORS: Final[documents.Validators] = {
    **documents.VALIDATORS,
    StandardKind.METRICS: validate_metrics,
    StandardKind.SCORING: validate_scheme,
}


async def definitions_in_force(session: ReadSession, region: int, moment: int) -> Definitions:
    """Returns the definitions that count in a region at a moment, a higher publisher's laid first.

    Args:
        session: a transaction that reads.
        region: six digits as a number.
        moment: microseconds since 1970.
    """
    standings = await archive.standards_in_force(session, region, moment)
    metrics, schemes = shipped_registry(), dict(shipped_schemes())
    origins: list[Origin] = []
    left_out: list[Origin] = []
    for kind in (StandardKind.METRICS, StandardKind.SCORING):
        for manifest in of_kind(standings, kind):
            origin = origin_of(manifest)
            try:
                found = await archive.documents_of(session, manifest)
                if kind is StandardKind.METRICS:
                    metrics = metrics.laid_over(found)
                else:
                    laid = [read_scheme(name, content, metrics) for name, content in sorted(found.items())]
                    schemes |= {scheme.scheme_id: scheme for scheme in laid}
            except (DefinitionInvalid, SchemeInvalid, Violated) as error:
                logger.warning("evaluation: %s %s is left out: %s", manifest.name, manifest.version, error)
                left_out.append(origin)
            else:
                origins.append(origin)
    return Definitions(metrics, schemes, tuple(origins), tuple(left_out))
