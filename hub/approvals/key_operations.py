"""Changing keys that others or this hub itself rely on, as an operation that two people take part in.

The object is a neighbour, with one of ``card``, ``withdraw`` and ``require``; or ``personal``, the key that personal
data is sealed with. Made by ``hub.cli.proposing``.
"""

from collections.abc import Callable

from auth.batch_keys import Algorithm
from auth.key_cards import read_card
from exchange_db import peers, seals
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.approvals.operations import Arguments, Step
from hub.federation import key_changes
from hub.personal.desk import PersonalDesk

#: The object that stands for the key of personal data.
PERSONAL = "personal"
_WAYS = ("card", "withdraw", "require")


class KeyChange:
    """A change of keys.

    Args:
        ledger: the hub's database.
        read_authorities: gives the PEM of the federation's authorities.
        personal: changes the key of personal data.
    """

    def __init__(self, ledger: Ledger, read_authorities: Callable[[], bytes], personal: PersonalDesk) -> None:
        self._ledger = ledger
        self._read_authorities = read_authorities
        self._personal = personal

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Says which key of whom, and from when to when; or what is demanded from now on."""
        if name == PERSONAL:
            if arguments:
                raise Violated("ARGUMENT_INVALID", "arguments", ", ".join(sorted(arguments)))
            return ["个人信息以新密钥重新加密 / personal data is sealed under a new key"]
        peer, way, value = await self._asked(name, arguments)
        if way == "card":
            card = read_card(value.encode(), self._read_authorities())
            if card.platform_id != name:
                raise Violated("PEER_ID_MISMATCH", "card", card.platform_id)
            times = f"{card.begin_time:%Y-%m-%d} – {card.end_time:%Y-%m-%d}"
            return [f"{name}: + {card.key.algorithm} {card.key.key_id}, {times}"]
        async with self._ledger.read() as session:
            policy = await seals.policy_of(session, name)
        if way == "withdraw":
            held = [key for key in policy.keys if key.key_id == value and key.withdrawn_time is None]
            if not held:
                raise Violated("BATCH_KEY_UNKNOWN", "arguments.withdraw", value)
            return [f"{name}: − {held[0].algorithm} {value}"]
        wanted = _algorithms(value)
        if wanted and peer.has_database:
            raise Violated("ARGUMENT_INVALID", "arguments.require", value)
        return [f"{name}: {' + '.join(policy.required) or 'none'} → {' + '.join(wanted) or 'none'}"]

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Changes it."""
        await self.dry_run(name, arguments)
        await step(0, 1)
        if name == PERSONAL:
            told = f"{await self._personal.rotate()} 条已重新加密 / sealed anew"
        else:
            _, way, value = await self._asked(name, arguments)
            told = await self._changed(name, way, value)
        await step(1, 1)
        return told

    async def _changed(self, name: str, way: str, value: str) -> str:
        if way == "card":
            added = await key_changes.add_keys(self._ledger, name, [value.encode()], self._read_authorities())
            return f"{', '.join(key.key_id for key in added)} 已登记 / registered"
        if way == "withdraw":
            await key_changes.withdraw_key(self._ledger, name, value)
            return f"{value} 已停用 / withdrawn"
        policy = await key_changes.require_signatures(self._ledger, name, _algorithms(value))
        return f"{' + '.join(policy.required) or '不要求签名 / no signatures demanded'}"

    async def _asked(self, name: str, arguments: Arguments) -> tuple[Peer, str, str]:
        if len(arguments) != 1 or not arguments.keys() <= set(_WAYS):
            raise Violated("ARGUMENT_INVALID", "arguments", ", ".join(sorted(arguments)) or " | ".join(_WAYS))
        ((way, value),) = arguments.items()
        async with self._ledger.read() as session:
            peer = await peers.by_id(session, name)
        if peer is None:
            raise Violated("ARGUMENT_INVALID", "object", name)
        return peer, way, str(value)


def _algorithms(text: str) -> list[str]:
    """Reads ``ES256+SM2-SM3``; ``none`` demands nothing."""
    names = [] if text == "none" else text.split("+")
    try:
        return sorted({Algorithm(name) for name in names})
    except ValueError:
        raise Violated("ARGUMENT_INVALID", "arguments.require", text) from None
