"""Four tiers of hubs, each over a ledger of its own and without its processes: what is handed in, applied, delivered.

A nation, a province and two cities; platforms hand in at the hub they belong to, and the tiers send each other what
apply laid down for them, over real links with numbers, as much at a time as the caller likes.
"""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from auth.principal import Principal
from exchange_db import links, outbox
from exchange_db.counting import CountingRules
from exchange_db.peers import Peer
from exchange_db.regions import region_of, subtree
from exchange_db.session import Ledger
from tests.support.applied import apply_waiting, take_in
from tests.support.neighbours import enrolled
from tests.support.postgres import Cluster

NATION, PROVINCE, CITIES = "000000.hub", "430000.hub", ("431200.hub", "430200.hub")
#: Child to parent.
_ABOVE = {PROVINCE: NATION, **dict.fromkeys(CITIES, PROVINCE)}


@dataclass
class Tier:
    """One hub: its ledger and its neighbours among the hubs."""

    hub_id: str
    ledger: Ledger
    peers: list[Peer] = field(default_factory=list)

    @property
    def region(self) -> int:
        """Region of the hub."""
        return region_of(self.hub_id)


class Tree:
    """The hubs of four tiers.

    Args:
        tiers: hub to tier.
        now: the hubs' clock, microseconds since 1970.
        rules: how cases are counted, at every hub alike.
    """

    def __init__(self, tiers: dict[str, Tier], now: int, rules: CountingRules) -> None:
        self.tiers = tiers
        self._now = now
        self._rules = rules

    @classmethod
    @asynccontextmanager
    async def grown(cls, cluster: Cluster, now: int, rules: CountingRules) -> AsyncIterator["Tree"]:
        """Yields a tree of empty ledgers that know their neighbours."""
        async with AsyncExitStack() as stack:
            tiers = {}
            for hub_id in (NATION, PROVINCE, *CITIES):
                url = stack.enter_context(cluster.migrated())
                tiers[hub_id] = Tier(hub_id, await stack.enter_async_context(Ledger(url, pool_size=2)))
            for child, parent in _ABOVE.items():
                tiers[child].peers.append(await enrolled(tiers[child].ledger, parent, "parent"))
                tiers[parent].peers.append(await enrolled(tiers[parent].ledger, child))
            yield cls(tiers, now, rules)

    def home_of(self, platform_id: str) -> Tier:
        """Returns the hub a platform is connected to: the lowest that has its region."""
        region = region_of(platform_id)
        around = [tier for tier in self.tiers.values() if region in subtree(tier.region)]
        return min(around, key=lambda tier: subtree(tier.region).last - subtree(tier.region).first)

    async def hand_in(self, platform_id: str, payloads: list[bytes]) -> None:
        """Takes a platform's parcels in at its hub."""
        tier = self.home_of(platform_id)
        sender = Principal(platform_id, region_of(platform_id), "platform", "child", 1, "")
        await take_in(tier.ledger, payloads, hub_id=tier.hub_id, sender=sender, now=self._now)

    async def apply(self, tier: Tier) -> None:
        """Applies everything that waits at one hub."""
        await apply_waiting(tier.ledger, self._rules, tuple(tier.peers), tier.hub_id)

    async def deliver(self, tier: Tier, limit: int, *, is_repeated: bool = False) -> int:
        """Sends what is due at one hub to its neighbours; returns how many parcels that were.

        Args:
            tier: the hub.
            limit: parcels for each neighbour at most.
            is_repeated: the first answer is lost, and the batch is sent again under its numbers.
        """
        count = 0
        async with tier.ledger.dedicated() as connection:
            for peer in tier.peers:
                due = await outbox.due(connection.driver, peer.destination_id, limit)
                if not due.entries:
                    continue
                parcels = await outbox.number(connection.driver, due)
                for _ in range(2 if is_repeated else 1):
                    await self._arrive(tier, peer, parcels)
                await links.confirm(connection.driver, peer.destination_id, parcels[-1].sequence)
                count += len(parcels)
        return count

    async def _arrive(self, tier: Tier, peer: Peer, parcels: list[outbox.Numbered]) -> None:
        target = self.tiers[peer.peer_id]
        us = next(known for known in target.peers if known.peer_id == tier.hub_id)
        sender = Principal(us.peer_id, us.region, "hub", us.relation, us.destination_id, us.thumbprint)
        answer = await take_in(
            target.ledger, [parcel.payload for parcel in parcels], hub_id=target.hub_id, sender=sender,
            now=self._now, first_sequence=parcels[0].sequence,
        )  # fmt: skip
        assert not answer.is_blocked
        assert set(answer.outcomes) <= {"D", "U"}, answer.violations

    async def settle(self) -> None:
        """Applies and delivers until nothing waits anywhere."""
        is_moving = True
        while is_moving:
            for tier in self.tiers.values():
                await self.apply(tier)
            is_moving = any([await self.deliver(tier, 2_000) for tier in self.tiers.values()])

    async def blow(self, chance: random.Random, loss: float) -> None:
        """Lets some hubs apply and deliver a part of what waits, in any order; some answers are lost."""
        for tier in chance.sample(list(self.tiers.values()), chance.randint(1, len(self.tiers))):
            await self.apply(tier)
            await self.deliver(tier, chance.choice((8, 60, 500)), is_repeated=chance.random() < loss)
