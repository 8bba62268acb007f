"""The classes a hub knows, as they were in force at any time: what is shipped, and the releases laid over it.

Handed by ``hub.bootstrap`` to the gate of intake, which asks for every record; read anew when a release arrives. A
fault is never mended by itself: the record goes to the quarantine with what was probably meant.

Source: 1.3.4 of the domain notes.
"""

import logging
from bisect import bisect_right
from collections.abc import Iterable

import psycopg
import sqlalchemy.exc

from exchange_db import wakeups
from exchange_db.facts import class_key
from exchange_db.records import CodeKind
from exchange_db.session import Ledger, ReadSession
from hub.clock import Clock
from hub.listener import Listener
from hub.standards import archive
from hub.standards.catalogue import Catalogue
from hub.standards.codebook import CodeBook, CodeFault
from hub.standards.codes import Code, canonical_code, lineage
from hub.standards.crosswalk import Candidate
from hub.standards.layers import CLASS_KINDS, Layers
from hub.standards.limits import RuleBroken
from hub.standards.manifest import Manifest
from hub.standards.releases import effective_time_of, in_force
from hub.standards.shipped import shipped_catalogue

logger = logging.getLogger(__name__)

#: Any standard at all, in the list of those taken unseen.
ANY = "*"
_LOOK_SECONDS = 60.0


class ClassRegister:
    """What is known of classes, by time.

    Args:
        hub_region: region of this hub: what is in force is looked up for it.
        unlisted: standards whose codes are taken unseen; ``*`` for all.
        accepts: the only standards this hub takes; none for any.
    """

    def __init__(self, hub_region: int, unlisted: Iterable[str] = (), accepts: Iterable[str] = ()) -> None:
        self._hub_region = hub_region
        self._unlisted = frozenset(unlisted)
        self._accepts = tuple(accepts)
        self._times = [0]
        self._catalogues = [shipped_catalogue()]
        self._books = [self._book(self._catalogues[0])]
        #: What was read last; a release that could not be read may be mended, so it is read again.
        self._read: tuple[list[Manifest], list[int]] = ([], [])
        self._is_whole = True

    def check(
        self, standard_ref: str, kind: CodeKind, code: str, region: int, moment: int, *, is_entering: bool
    ) -> CodeFault | None:
        """Returns what is wrong with a class, ``None`` if nothing is.

        Args:
            standard_ref: standard of the class.
            kind: component or event.
            code: the class, in any spelling.
            region: where the problem lies.
            moment: when the class was chosen: the lists in force then decide.
            is_entering: it comes from a platform; what another hub has looked at before is only checked for its
                standard, because that hub may know local codes that are not known here.
        """
        if self._accepts and standard_ref not in self._accepts:
            return CodeFault("STANDARD_NOT_ACCEPTED", self._translated(standard_ref, kind, code), ())
        if not is_entering or ANY in self._unlisted:
            return None
        return self._books[bisect_right(self._times, moment) - 1].check(standard_ref, kind, code, region)

    def translate(self, standard_ref: str, kind: CodeKind, code: str, to_ref: str) -> tuple[Candidate, ...]:
        """Returns what may stand for a class in another standard, by the newest crosswalks.

        Raises:
            RuleBroken: there is no crosswalk, or the code is none of its standard.
        """
        catalogue = self._catalogues[-1]
        known = catalogue.lists.get(standard_ref)
        try:
            plain = canonical_code(code, known.standard.minor_digits) if known else code
        except ValueError:
            raise RuleBroken("CODE_UNKNOWN", f"{code} 不是代码。", f"{code} is no code.") from None
        return catalogue.crosswalks.between(standard_ref, to_ref).translate(kind, plain)

    def _translated(self, standard_ref: str, kind: CodeKind, code: str) -> str:
        told = class_key(standard_ref, kind, code)
        for ref in self._accepts:
            try:
                found = self.translate(standard_ref, kind, code, ref)
            except RuleBroken:
                continue
            names = [
                f"{class_key(ref, kind, one.to_code)} {known.name}"
                for one in found
                if (known := self._catalogues[-1].lists[ref].find(kind, one.to_code))
            ]
            if names:
                return f"{told} → {', '.join(names)} (?)"
        return told

    def in_force(self, moment: int) -> list[tuple[Code, Code | None]]:
        """Returns the classes in force at a moment that concern this hub's region, each with the major it is in."""
        catalogue = self._catalogues[bisect_right(self._times, moment) - 1]
        line = lineage(self._hub_region)
        return [
            (code, None if code.is_major else listed.major_of(code))
            for listed in catalogue.lists.values()
            for code in listed
            if code.region in line
        ]

    async def follow(self, ledger: Ledger, listener: Listener, clock: Clock) -> None:
        """Reads the releases, and reads them anew whenever one arrives, until cancelled."""
        while True:
            seen = listener.version(wakeups.RELEASED)
            try:
                async with ledger.read() as session:
                    await self.read(session, clock())
            except (psycopg.OperationalError, sqlalchemy.exc.OperationalError, OSError) as error:
                logger.warning("standards register: database does not answer: %s", error)
            await listener.wait(wakeups.RELEASED, seen, _LOOK_SECONDS)

    async def read(self, session: ReadSession, now: int) -> None:
        """Reads the releases held, unless they are those that were read last; coming ones count from their time on."""
        held = [one.manifest for one in await archive.held_releases(session)]
        manifests = [one for one in held if one.kind in CLASS_KINDS]
        times = sorted({moment for one in manifests if (moment := effective_time_of(one, self._hub_region)) <= now})
        if (manifests, times) == self._read and self._is_whole:
            return
        catalogues, is_whole = [self._catalogues[0]], True
        for moment in times:
            layers = Layers(session, in_force(manifests, self._hub_region, moment))
            catalogues.append(await layers.classes(self._catalogues[0]))
            is_whole &= not layers.left_out
        self._books = [self._book(one) for one in catalogues]
        self._times, self._catalogues = [0, *times], catalogues
        self._read, self._is_whole = (manifests, times), is_whole

    def _book(self, catalogue: Catalogue) -> CodeBook:
        return CodeBook(catalogue.lists, catalogue.crosswalks, self._unlisted)
