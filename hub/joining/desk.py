"""The desk at which a platform is let in, step by step; what is settled stands in the ledger, so one can come back.

Invitation, certificate and secret are those of ``hub.federation``, the same as by ``sanji peers``. What a step changes
in the exchange it changes at once: a confirmed certificate is let in, a registered database is read. ``live`` says that
people are done, and takes the sample rows away. Called by the console and by ``sanji peers``.
"""

import asyncio
from datetime import UTC, datetime
from typing import NamedTuple

from auth.certificates import thumbprint
from exchange_db import jobs, joinings, peers, wakeups
from exchange_db.audit_records import Value
from exchange_db.joinings import KIT_OPEN, Joining, Opening
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.regions import Regions
from exchange_db.session import Ledger, WriteSession
from hub.clock import Clock
from hub.federation.enrolment import announce, enter_database, write_invitation
from hub.federation.joining import Letter, confirm, region_for
from hub.federation.rotation import plain_thumbprint
from hub.federation.shared_secret import give_secret
from hub.joining import kit, samples
from hub.joining.databases import LinkDesk
from hub.joining.samples import Preview
from hub.recording import actor, recorded
from hub.settings import Settings

#: How a platform may be connected. One that comes by ``file`` is entered by ``sanji files enter``.
TRANSPORTS = ("grpc", "rest", "database", "file")
#: Days a secret for REST holds, unless somebody says otherwise.
SECRET_DAYS = 730


class Wanted(NamedTuple):
    """What is said of a platform at first; ``address`` is where it can dial this hub, empty for the usual one."""

    peer_id: str
    name: str
    kind: str
    relation: str
    transport: str
    address: str = ""


class Secret(NamedTuple):
    """A secret for REST calls, told once, and what the platform needs besides."""

    secret: str
    end_time: datetime
    address: str
    thumbprint: str


class Progress(NamedTuple):
    """A platform on its way in: what is settled, its entry in the registry, and the first step that is missing.

    ``missing`` is ``certificate``, ``secret`` or ``database`` (by transport), ``confirm``, ``mapping``, ``kit``,
    ``live`` or, once on line, empty.
    """

    joining: Joining
    peer: Peer | None
    missing: str


class JoiningDesk:
    """Does all this for one hub.

    Args:
        ledger: the hub's database.
        settings: all settings.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self.links = LinkDesk(ledger, settings)

    async def listing(self, visible: Regions, *, limit: int, after: str = "") -> list[Progress]:
        """Returns platforms on their way in, and those that came that way, by name."""
        async with self._ledger.read() as session:
            found = await joinings.listing(session, visible, limit=limit, after=after)
            entries = {one.peer_id: await peers.by_name(session, one.peer_id) for one in found}
        return [Progress(one, entries[one.peer_id], _missing(one, entries[one.peer_id])) for one in found]

    async def show(self, peer_id: str) -> Progress:
        """Returns one.

        Raises:
            Violated: JOINING_UNKNOWN.
        """
        async with self._ledger.read() as session:
            found = await joinings.find(session, peer_id)
            if found is None:
                raise Violated("JOINING_UNKNOWN", "peer_id", peer_id)
            peer = await peers.by_name(session, peer_id)
        return Progress(found, peer, _missing(found, peer))

    async def invite(self, wanted: Wanted) -> Letter | None:
        """Begins, or begins anew; returns the invitation to hand over, none where the transport takes none.

        Raises:
            Violated: the name does not fit, or TRANSPORT is none of ours.
            OSError: the hub's certificate cannot be read.
        """
        settings = self._settings
        if wanted.transport not in TRANSPORTS or (wanted.kind != "platform" and wanted.transport == "rest"):
            raise Violated("FIELD_INVALID", "transport", wanted.transport)
        if wanted.kind not in ("platform", "hub") or wanted.relation not in ("child", "parent"):
            raise Violated("FIELD_INVALID", "kind", f"{wanted.kind} {wanted.relation}")
        region = region_for(wanted.peer_id, wanted.relation, settings.hub.region)
        if wanted.transport == "grpc":
            reachable = wanted.address or settings.listen.public_address or f"127.0.0.1:{settings.listen.port}"
            return await write_invitation(
                self._ledger, settings, peer_id=wanted.peer_id, kind=wanted.kind, relation=wanted.relation,
                address=reachable, name=wanted.name,
            )  # fmt: skip
        about: dict[str, Value] = {"transport": wanted.transport, "kind": wanted.kind, "relation": wanted.relation}
        async with recorded(self._ledger, "joining.open", wanted.peer_id, region=region, detail=about) as act:
            names = (wanted.peer_id, wanted.name or wanted.peer_id, wanted.kind, wanted.relation, wanted.transport)
            await joinings.open_one(act.session, Opening(*names, actor(), self._now(), None))
        return None

    async def confirm(self, peer_id: str, compared: str) -> None:
        """Lets a neighbour in whose thumbprint was compared: typed as its operator told it, never offered.

        Raises:
            Violated: PEER_UNKNOWN, PEER_NOT_WAITING or THUMBPRINT_DIFFERS.
        """
        told = plain_thumbprint(compared)
        async with recorded(self._ledger, "peer.confirm", peer_id, detail={"thumbprint": told}) as act:
            await confirm(act.session, peer_id, told)
        await announce(self._ledger)

    async def give_secret(self, peer_id: str, days: int) -> Secret:
        """Makes the secret of a platform that comes by REST; an earlier one ends at once.

        Raises:
            Violated: JOINING_UNKNOWN, or the name belongs to a hub.
            OSError: the hub's certificate cannot be read.
        """
        settings, found = self._settings, (await self.show(peer_id)).joining
        if not 1 <= days <= 3_650:
            raise Violated("FIELD_INVALID", "days", days)
        pin = thumbprint(settings.tls.certificate.read_bytes())
        async with recorded(self._ledger, "peer.secret", peer_id, detail={"days": days}) as act:
            secret, end_time = await give_secret(
                act.session, peer_id, found.name, hub_region=settings.hub.region, days=days, now=datetime.now(UTC)
            )
        await announce(self._ledger)
        return Secret(secret, end_time, settings.rest.listen, pin)

    async def register_database(self, peer_id: str, *, is_replacing: bool = False) -> None:
        """Enters a partner whose database is the link, once its link file is there.

        Raises:
            Violated: JOINING_UNKNOWN, LINK_FILE_UNUSABLE, or JOINING_OVER where a certificate or secret is known.
        """
        found = (await self.show(peer_id)).joining
        is_entered = await enter_database(
            self._ledger, self._settings, peer_id=peer_id, name=self.links.name_of(peer_id), kind=found.kind,
            relation=found.relation, is_replacing=is_replacing,
        )  # fmt: skip
        if not is_entered:
            raise Violated("JOINING_OVER", "peer_id", peer_id)

    async def keep_mapping(self, peer_id: str, text: str, sample: tuple[str, bytes] | None) -> Preview | None:
        """Keeps a mapping, and rows to try it on where some are given, and tries it on those that are kept.

        What cannot be used is kept nonetheless, so that it can be mended here.

        Raises:
            Violated: JOINING_UNKNOWN, SAMPLE_INVALID, or MAPPING_UNUSABLE after it was kept.
        """
        text = text[: samples.MOST_LETTERS].replace("\r\n", "\n")
        async with recorded(self._ledger, "joining.mapping", peer_id) as act:
            values: dict[str, object] = {"mapping": text, "mapped_count": 0, "refused_count": 0}
            if sample is not None:
                samples.require_sample(*sample)
                values |= {"sample_name": sample[0][-100:], "sample": sample[1]}
            await self._settle(act.session, peer_id, **values)
            act.detail |= {"letters": len(text), "sample": sample is not None}
        found = await self.preview(peer_id)
        if found is not None:
            counts = {"mapped_count": found.mapped_count, "refused_count": found.refused_count}
            async with self._ledger.write() as session:
                await joinings.change(session, peer_id, mapped_time=self._now(), **counts)
        return found

    async def preview(self, peer_id: str) -> Preview | None:
        """Tries the mapping that is kept on the rows that are kept; none without rows.

        Raises:
            Violated: JOINING_UNKNOWN, MAPPING_UNUSABLE or SAMPLE_INVALID.
        """
        found = (await self.show(peer_id)).joining
        async with self._ledger.read() as session:
            sample = await joinings.sample_of(session, peer_id)
        if not found.mapping:
            return None
        if sample is None:
            await asyncio.to_thread(samples.require_mapping, found.mapping, peer_id)
            return None
        return await asyncio.to_thread(samples.preview, found.mapping, peer_id, found.sample_name, sample)

    async def report(self, peer_id: str) -> bytes | None:
        """Returns the signed report of the last conformance run; none before the first."""
        async with self._ledger.read() as session:
            return await joinings.report_of(session, peer_id)

    async def order_kit(self, peer_id: str, groups: list[str]) -> None:
        """Asks for a conformance run of some groups of checks, of all for none.

        Raises:
            Violated: JOINING_UNKNOWN, KIT_CLOSED, KIT_BUSY, KIT_GROUP_UNKNOWN, or JOB_UNKNOWN.
        """
        async with recorded(self._ledger, "joining.kit.begin", peer_id) as act:
            if not self._settings.joining.kit_listen:
                raise Violated("KIT_CLOSED", "kit_listen")
            if strange := [group for group in groups if group not in kit.groups()]:
                raise Violated("KIT_GROUP_UNKNOWN", "group", strange[0])
            busy = await joinings.wanted_kit(act.session)
            if busy is not None:
                raise Violated("KIT_BUSY", "peer_id", busy.peer_id)
            values = {"kit_state": "wanted", "kit_groups": groups, "kit_asked": 0, "kit_trouble": ""}
            await self._settle(act.session, peer_id, kit_time=self._now(), **values)
            if not await jobs.order(act.session, kit.JOB, self._clock()):
                raise Violated("JOB_UNKNOWN", "job", kit.JOB)
        await self._wake()

    async def stop_kit(self, peer_id: str) -> None:
        """Ends a run early.

        Raises:
            Violated: JOINING_UNKNOWN, or JOINING_UNREADY when none is under way.
        """
        async with recorded(self._ledger, "joining.kit.stop", peer_id) as act:
            found = await joinings.find(act.session, peer_id, is_locked=True)
            if found is None or found.kit_state not in KIT_OPEN:
                raise Violated("JOINING_UNREADY", "kit", "一致性检验未在进行 / no run is under way")
            await self._settle(act.session, peer_id, kit_state="stopping")
            await jobs.order(act.session, kit.JOB, self._clock())
        await self._wake()

    async def go_live(self, peer_id: str, waiver: str = "") -> None:
        """Says that a platform is on line; ``waiver`` is why that is so without a passed conformance run.

        Raises:
            Violated: JOINING_UNKNOWN, or JOINING_UNREADY with what is missing.
        """
        async with recorded(self._ledger, "joining.live", peer_id) as act:
            found = await joinings.find(act.session, peer_id, is_locked=True)
            if found is None:
                raise Violated("JOINING_UNKNOWN", "peer_id", peer_id)
            missing = _missing(found, await peers.by_name(act.session, peer_id))
            if missing in (*_ENTRIES.values(), "confirm") or (missing in ("kit", "mapping") and not waiver.strip()):
                raise Violated("JOINING_UNREADY", missing, MISSING_WORDS[missing])
            values = {"waiver": waiver.strip()[:400], "live_by": actor(), "live_time": self._now(), "sample": None}
            await self._settle(act.session, peer_id, sample_name="", **values)
            act.detail |= {"kit": found.kit_state, "waiver": waiver.strip()[:400]}

    async def withdraw(self, peer_id: str) -> None:
        """Gives an entry of the wizard up and ends its invitation; who has joined stays in the registry.

        Raises:
            Violated: JOINING_UNKNOWN.
        """
        async with recorded(self._ledger, "joining.withdraw", peer_id) as act:
            if not await joinings.withdraw(act.session, peer_id):
                raise Violated("JOINING_UNKNOWN", "peer_id", peer_id)

    @staticmethod
    async def _settle(session: WriteSession, peer_id: str, **values: object) -> None:
        if not await joinings.change(session, peer_id, **values):
            raise Violated("JOINING_UNKNOWN", "peer_id", peer_id)

    async def _wake(self) -> None:
        async with self._ledger.watching() as connection:
            await wakeups.wake(connection.driver, wakeups.ORDERED)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)


#: Transport to the step that makes the entry in the registry.
_ENTRIES = {"grpc": "certificate", "file": "certificate", "rest": "secret", "database": "database"}
#: What is missing, in both languages.
MISSING_WORDS = {
    "certificate": "对方尚未加入 / the neighbour has not come yet",
    "secret": "尚未生成密钥 / no secret was made yet",
    "database": "链路文件尚未写好或登记 / the link file is not there or not registered",
    "confirm": "证书指纹尚未核对 / its thumbprint was not compared",
    "mapping": "尚无可用映射 / no mapping that refuses nothing",
    "kit": "一致性检验未通过，也未说明免检理由 / no passed conformance run, and no reason to do without",
    "live": "尚未上线 / not on line",
}


def _missing(found: Joining, peer: Peer | None) -> str:
    """Returns the first step that is missing."""
    if found.live_time is not None:
        return ""
    if peer is None or peer.state == "blocked" or (found.transport == "database") != peer.has_database:
        return _ENTRIES[found.transport]
    if peer.state == "waiting":
        return "confirm"
    if found.mapping and (found.refused_count or not found.mapped_count):
        return "mapping"
    # The kit speaks gRPC; a platform that comes otherwise is tried by hand.
    return "kit" if found.transport == "grpc" and found.kit_state != "passed" else "live"
