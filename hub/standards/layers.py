"""Releases laid over what is shipped: the classes and the rule book in force in a region at a moment.

Of each kind and name ``hub.standards.releases`` says what stands. Here their documents are read and laid over each
other, a higher publisher's first; what was damaged in store or cannot be read is left out and told. Called by
``hub.standards.register``, publishing and pulling, the standards service and ``sanji deadline``.
"""

import logging
from collections.abc import Hashable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import msgspec

from connectors.sheets import SheetInvalid
from exchange_db.records import Violated
from exchange_db.regions import line_of
from exchange_db.session import ReadSession
from hub.standards import archive
from hub.standards.calendar import RegionRules
from hub.standards.calendar_file import read_calendar_content
from hub.standards.catalogue import Catalogue
from hub.standards.codes import CodeList, Standard
from hub.standards.limits import RuleBroken
from hub.standards.manifest import Manifest, StandardKind
from hub.standards.release_file import read_content, taken_in
from hub.standards.release_tables import FilingCondition, Region
from hub.standards.releases import Standing, in_force
from hub.standards.rulebook import Origin, RuleBook
from hub.standards.shipped import SHIPPED_TABLES, shipped_catalogue, shipped_rows

logger = logging.getLogger(__name__)

Standings = Mapping[tuple[str, str], Standing]
Calendars = Mapping[int, RegionRules]
Row = TypeVar("Row", FilingCondition, Region)

#: Codes come before what speaks of codes.
CLASS_KINDS = (StandardKind.CODE_LIST, StandardKind.CROSSWALK)
_RULE_KINDS = (*CLASS_KINDS, StandardKind.CALENDAR, StandardKind.FILING_CONDITIONS, StandardKind.REGIONS)
#: The holiday notices come with a package; the version tells which years it knows.
_NOTICES = Origin(StandardKind.CALENDAR, "chinesecalendar", version("chinesecalendar"))
#: Most rule books that are kept: each set of releases in force makes one.
_MOST_BOOKS = 16


class Layers:
    """Reads the documents of what is in force; ``left_out`` names the releases that could not be read.

    Args:
        session: a transaction that reads.
        standings: what is in force.
    """

    def __init__(self, session: ReadSession, standings: Standings) -> None:
        self._session = session
        self._standings = standings
        self.left_out: list[Origin] = []

    async def classes(self, catalogue: Catalogue) -> Catalogue:
        """Returns a catalogue with the code lists and crosswalks in force laid over it."""
        for kind in CLASS_KINDS:
            for manifest in of_kind(self._standings, kind):
                is_anew = kind is StandardKind.CODE_LIST and not manifest.is_extension
                laid = _without_codes(catalogue, manifest.name) if is_anew else catalogue
                try:
                    for name, content in (await archive.documents_of(self._session, manifest)).items():
                        laid = taken_in(laid, [read_content(name, content, laid)])
                except (SheetInvalid, Violated) as error:
                    self._leave_out(manifest, error)
                else:
                    catalogue = laid
        return catalogue

    async def calendars(self) -> tuple[Calendars, tuple[Origin, ...]]:
        """Returns what regions have set about their calendars, and where it was read."""
        rules: Calendars = {}
        origins = [_NOTICES]
        for manifest in of_kind(self._standings, StandardKind.CALENDAR):
            laid = rules
            try:
                for name, content in (await archive.documents_of(self._session, manifest)).items():
                    laid = calendars_joined(laid, read_calendar_content(content, Path(name)))
            except (RuleBroken, Violated) as error:
                self._leave_out(manifest, error)
            else:
                rules = laid
                origins.append(origin_of(manifest))
        return rules, tuple(origins)

    async def table(self, kind: StandardKind, row: type[Row], catalogue: Catalogue) -> list[tuple[Row, Origin]]:
        """Returns the rows of filing conditions or regions in force.

        Those of one class and region, or of one region code, are all of the release laid last. What is shipped
        counts until somebody publishes a table that is no extension.
        """
        releases: list[list[tuple[Row, Origin]]] = []
        is_published = False
        for manifest in of_kind(self._standings, kind):
            try:
                documents = await archive.documents_of(self._session, manifest)
                files = [read_content(name, content, catalogue) for name, content in documents.items()]
            except (SheetInvalid, Violated) as error:
                self._leave_out(manifest, error)
                continue
            origin = origin_of(manifest)
            releases.append([(one, origin) for file in files for one in file.rows if isinstance(one, row)])
            is_published |= not manifest.is_extension
        if not is_published:
            releases.insert(0, _shipped(kind, row, catalogue))
        held: dict[Hashable, list[tuple[Row, Origin]]] = {}
        for rows in releases:
            laid: dict[Hashable, list[tuple[Row, Origin]]] = {}
            for sourced in rows:
                laid.setdefault(_key(sourced[0]), []).append(sourced)
            held |= laid
        return [one for found in held.values() for one in found]

    def _leave_out(self, manifest: Manifest, error: Exception) -> None:
        logger.warning("standards: %s %s is left out: %s", manifest.name, manifest.version, error)
        self.left_out.append(origin_of(manifest))


class RuleReader:
    """Gives the rule book of any region and moment; documents are read once for each set of releases in force."""

    def __init__(self) -> None:
        self._books: dict[tuple[Origin, ...], RuleBook] = {}

    async def book(self, session: ReadSession, region: int, moment: int) -> RuleBook:
        """Returns what counts in a region at a moment."""
        held = [one.manifest for one in await archive.held_releases(session)]
        standings = in_force([one for one in held if one.kind in _RULE_KINDS], region, moment)
        key = tuple(origin_of(one) for kind in _RULE_KINDS for one in of_kind(standings, kind))
        if key in self._books:
            return self._books[key]
        layers = Layers(session, standings)
        catalogue = await layers.classes(shipped_catalogue())
        calendars, origins = await layers.calendars()
        conditions = await layers.table(StandardKind.FILING_CONDITIONS, FilingCondition, catalogue)
        regions = await layers.table(StandardKind.REGIONS, Region, catalogue)
        book = RuleBook(catalogue, calendars, origins, conditions, regions, tuple(layers.left_out))
        if not layers.left_out:  # what was damaged may be mended
            if len(self._books) >= _MOST_BOOKS:
                self._books.clear()
            self._books[key] = book
        return book


def shipped_book(calendars: Calendars) -> RuleBook:
    """Returns what counts where there is no hub, with what regions have set in a file."""
    catalogue = shipped_catalogue()
    conditions = _shipped(StandardKind.FILING_CONDITIONS, FilingCondition, catalogue)
    regions = _shipped(StandardKind.REGIONS, Region, catalogue)
    return RuleBook(catalogue, calendars, (_NOTICES,), conditions, regions)


async def classes_for(session: ReadSession, kind: str) -> Catalogue:
    """Returns the classes a document of a kind is checked against before it is published or taken.

    Crosswalks and filing conditions may speak of every class a release held here has, whenever it is in force; what
    has come by then decides when they are used. Code lists are checked against what is shipped: the next version of
    a list may contradict the one before.
    """
    catalogue = shipped_catalogue()
    if kind not in (StandardKind.CROSSWALK, StandardKind.FILING_CONDITIONS):
        return catalogue
    known = catalogue
    for held in await archive.held_releases(session):
        if held.manifest.kind == StandardKind.CODE_LIST:
            try:
                for name, content in (await archive.documents_of(session, held.manifest)).items():
                    known = taken_in(known, [read_content(name, content, catalogue)])
            except (SheetInvalid, Violated) as error:
                logger.warning("standards: %s %s is left out: %s", held.manifest.name, held.manifest.version, error)
    return known


def calendars_joined(rules: Calendars, later: Calendars) -> Calendars:
    """Returns what regions have set; where both say something about a region, the later ones count.

    A year counts as a whole.
    """
    joined = dict(rules)
    for region, given in later.items():
        known = joined.get(region, RegionRules())
        set_there = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not None}
        joined[region] = msgspec.structs.replace(known, **set_there | {"years": {**known.years, **given.years}})
    return joined


def origin_of(manifest: Manifest) -> Origin:
    """Returns how a release is named in answers."""
    return Origin(manifest.kind, manifest.name, manifest.version, manifest.publisher_id)


def of_kind(standings: Standings, kind: StandardKind) -> list[Manifest]:
    """Returns the releases of a kind in the order they are laid: extensions last, higher publishers first, by name."""
    found = [
        manifest
        for standing in standings.values()
        for manifest in (standing.base, *standing.extensions)
        if manifest is not None and manifest.kind == kind
    ]
    return sorted(found, key=lambda one: (one.is_extension, len(line_of(one.publisher_region)), one.name))


def _key(row: FilingCondition | Region) -> Hashable:
    return row.region if isinstance(row, Region) else (row.standard_ref, row.kind, row.code, row.region)


def _shipped(kind: StandardKind, row: type[Row], catalogue: Catalogue) -> list[tuple[Row, Origin]]:
    origin = Origin(kind, SHIPPED_TABLES[kind])
    return [(one, origin) for one in shipped_rows(origin.name, catalogue) if isinstance(one, row)]


def _without_codes(catalogue: Catalogue, ref: str) -> Catalogue:
    """Returns the catalogue without the classes of a standard, whose new list takes their place."""
    standard = catalogue.standards.get(ref) or Standard(ref, "", 0)
    return catalogue._replace(lists={**catalogue.lists, ref: CodeList(standard, [])})
