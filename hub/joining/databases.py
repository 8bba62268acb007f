"""A partner whose database is the link: its link file, and what its database needs, from the browser.

The link file stays a file in ``intermediate.folder``, where pick-up and write-back read it, because it may hold the
password of somebody else's database: that goes neither into the ledger nor into its backups. The page writes it there,
readable for the hub's user alone, and never shows it again.
"""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from connectors.leaves import leaves
from exchange_db.intermediate.capture import Finding
from exchange_db.intermediate.partner import Partner, PartnerError, open_partner
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.intermediate import installing
from hub.intermediate.link_files import DatabaseLink, LinkFileInvalid, find_link, read_link
from hub.recording import recorded, told
from hub.settings import Settings

T = TypeVar("T")
_MOST_LETTERS = 50_000
_ENDINGS = {"link": ".toml", "mapping": "-case.toml"}


class KnownLink(NamedTuple):
    """What may be shown of a link file: nothing of its address but the engine. ``trouble`` says why there is none."""

    engine: str
    manner: str
    capture: str
    trouble: str


class LinkDesk:
    """Writes link files, tries them, and puts into a partner's database what its link needs.

    Args:
        ledger: the hub's database.
        settings: all settings.
    """

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._folder = settings.intermediate.folder
        self._hub_id = settings.hub.id

    def known(self, peer_id: str) -> KnownLink:
        """Returns what the link file of a partner says."""
        try:
            link = find_link(self._folder, peer_id)
        except LinkFileInvalid as error:
            return KnownLink("", "", "", str(error).replace(str(self._folder), "intermediate.folder"))
        return KnownLink(link.engine, link.manner, link.capture, "")

    @staticmethod
    def template(peer_id: str, name: str) -> str:
        """Returns an example of a link file for our tables, made out to a partner."""
        path = leaves()["county/sqlite_file"].folder / "link.toml"
        lines = path.read_text(encoding="utf-8").splitlines()
        given = {"peer": peer_id, "name": name or peer_id, "url": "postgresql://USER:PASSWORD@HOST:5432/DATABASE"}
        return "\n".join(_made_out(line, given) for line in lines if not line.startswith("#")) + "\n"

    async def write(self, peer_id: str, text: str, mapping: str = "") -> None:
        """Checks and writes the link file of a partner, and its mapping beside it where one is given.

        Raises:
            Violated: LINK_FILE_UNUSABLE.
        """
        link = await asyncio.to_thread(self._read, peer_id, text)
        about = {"engine": link.engine, "manner": str(link.manner), "capture": str(link.capture)}
        async with recorded(self._ledger, "link.file", peer_id, detail={**about}) as act:
            try:
                await asyncio.to_thread(self._put, peer_id, "link", text)
                if mapping:
                    await asyncio.to_thread(self._put, peer_id, "mapping", mapping)
            except OSError as error:
                raise Violated("LINK_FILE_UNUSABLE", "link", f"intermediate.folder: {error.strerror}") from None
            act.detail["has_mapping"] = bool(mapping)

    async def standing(self, peer_id: str) -> list[Finding]:
        """Connects and returns how everything stands in the partner's database that is to be there.

        Raises:
            Violated: LINK_FILE_UNUSABLE or PARTNER_UNREACHED.
        """
        link = self._link(peer_id)
        return await self._with_partner(link, lambda partner: installing.show(partner, link))

    async def install(self, peer_id: str) -> list[Finding]:
        """Makes tables and capture there; what is there already stays. Returns what was not in order before.

        Raises:
            Violated: LINK_FILE_UNUSABLE or PARTNER_UNREACHED.
        """
        link = self._link(peer_id)
        async with told(self._ledger, "partner.install", peer_id) as detail:
            made = await self._with_partner(link, lambda partner: installing.install(partner, link, self._hub_id))
            detail["made"] = len(made)
        return made

    def name_of(self, peer_id: str) -> str:
        """Returns the name the link file gives a partner.

        Raises:
            Violated: LINK_FILE_UNUSABLE.
        """
        return self._link(peer_id).name

    def _link(self, peer_id: str) -> DatabaseLink:
        try:
            return find_link(self._folder, peer_id)
        except LinkFileInvalid as error:
            raise self._unusable(error) from None

    def _read(self, peer_id: str, text: str) -> DatabaseLink:
        """Reads a text as the hub will read the file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{peer_id}.toml"
            path.write_text(text[:_MOST_LETTERS], encoding="utf-8")
            try:
                link = read_link(path)
            except LinkFileInvalid as error:
                raise self._unusable(error) from None
        if link is None or link.peer != peer_id:
            raise Violated("LINK_FILE_UNUSABLE", "link", f'peer = "{peer_id}"')
        own = self._folder / f"{peer_id}.toml"
        for other in sorted(self._folder.glob("*.toml")):
            if other != own and _peer_of(other) == peer_id:
                raise Violated("LINK_FILE_UNUSABLE", "link", f"{other.name}: {peer_id}")
        return link

    def _put(self, peer_id: str, kind: str, text: str) -> None:
        """Writes a file as a whole or not at all, for the hub's user alone."""
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{peer_id}{_ENDINGS[kind]}"
        handle, draft = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(draft).replace(target)

    def _unusable(self, error: LinkFileInvalid) -> Violated:
        return Violated("LINK_FILE_UNUSABLE", "link", str(error).replace(str(self._folder), "intermediate.folder"))

    @staticmethod
    async def _with_partner(link: DatabaseLink, act: Callable[[Partner], Awaitable[T]]) -> T:
        try:
            async with open_partner(link.url, link.zone) as partner:
                return await act(partner)
        except PartnerError as error:
            raise Violated("PARTNER_UNREACHED", "link", error) from None


def _made_out(line: str, given: dict[str, str]) -> str:
    key, sign, _ = line.partition(" = ")
    return f'{key} = "{given[key]}"' if sign and key in given else line


def _peer_of(path: Path) -> str:
    try:
        link = read_link(path)
    except LinkFileInvalid:
        return ""
    return "" if link is None else link.peer
