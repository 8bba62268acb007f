"""What neighbours above are shown of the texts of cases: masked, unless a rule grants them the detail.

City and county deal with cases and see them as they were written; province and nation work with figures. Called by
whatever gives parcels out: delivery, pulling, REST, repair, and questions about cases.
"""

from auth.masking import masked_text
from connectors.veiling import veiled
from exchange_db.regions import region_of, tier_of
from hub.sections.personal import PersonalPart

_MASKED_TIERS = frozenset({"province", "nation"})


class Veil:
    """The rule of one hub.

    Args:
        hub_id: name of the hub.
        part: the settings of personal data.
    """

    def __init__(self, hub_id: str, part: PersonalPart) -> None:
        self._hub_id = hub_id
        self._granted = frozenset(part.detail_to)

    def is_over(self, peer_id: str) -> bool:
        """Tells whether a neighbour is shown masked texts."""
        return tier_of(region_of(peer_id)) in _MASKED_TIERS and peer_id not in self._granted

    def shown(self, peer_id: str, payload: bytes) -> bytes:
        """Returns a parcel as a neighbour is to have it."""
        return veiled(payload, self._hub_id, self.mask) if self.is_over(peer_id) else payload

    def mask(self, text: str) -> str:
        """Masks a text."""
        return masked_text(text)
