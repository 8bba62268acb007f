"""What every way of signing on at a platform has in common, whatever the protocol.

Implemented by ``auth.oidc_client``, ``auth.cas_client`` and ``auth.tickets``; used by ``hub.signon.desk``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from auth.assertion import Assertion


class Asked(NamedTuple):
    """A sign-on under way.

    ``callback`` is where the browser comes back to, exactly as registered; ``state``, ``nonce`` and ``verifier`` are
    secrets of this one sign-on. ``max_age`` is in seconds; ``prompt`` is ``none``, ``login`` or empty.
    """

    callback: str
    state: str
    nonce: str
    verifier: str
    max_age: int | None = None
    acr: str = ""
    prompt: str = ""


class UpstreamClient(Protocol):
    """One platform."""

    async def begin(self, asked: Asked) -> str:
        """Returns where the browser goes to sign on.

        Raises:
            SignOnRefused: the platform cannot be asked.
        """

    async def finish(self, asked: Asked, answer: Mapping[str, str], now: datetime) -> Assertion:
        """Returns who signed on.

        Args:
            asked: what was asked.
            answer: the parameters the browser came back with, each once.
            now: aware.

        Raises:
            SignOnRefused: the answer does not hold.
        """

    async def leave(self, id_token: str, back: str) -> str | None:
        """Returns where the browser goes to sign off there too; ``None`` when the platform has no such place."""

    async def close(self) -> None:
        """Closes the connections to the platform."""
