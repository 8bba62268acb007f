"""Who is calling: the registry entry a certificate stands for, during one call."""

from typing import NamedTuple

from exchange_db.regions import Tier, tier_of


class Principal(NamedTuple):
    """A neighbour whose certificate was found in the registry.

    ``relation`` is what it is to this hub: ``parent`` or ``child``; ``kind`` is ``hub`` or ``platform``.
    """

    peer_id: str
    region: int
    kind: str
    relation: str
    destination_id: int
    thumbprint: str

    @property
    def tier(self) -> Tier:
        """Tier its region stands for."""
        return tier_of(self.region)
