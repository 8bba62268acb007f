"""The operations that exist today, each with its dry run; ``hub.approvals.desk`` decides when one may run.

A dry run changes nothing and says line by line what would happen; the lines are part of what is approved, and are
compared when it is executed. An operation calls ``step`` between its transactions: there it can be watched and
aborted. What it did until then stays; every part is whole. Made by ``hub.bootstrap``.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from auth.approvals import Operation
from exchange_db import audit_checkpoints, peers, quarantine, wakeups
from exchange_db.audit_records import Value
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.intake.replay import Replayed, replay
from hub.intake.validation import ClassCheck
from hub.reconciliation.compared import ComparedLink
from hub.recording import actor, recorded, told
from hub.standards.publishing import Publisher

Arguments = Mapping[str, Value]
#: Tells how far it is and how far it goes; raises ``Aborted`` when it is to stop.
Step = Callable[[int, int], Awaitable[None]]


class Reconcile(Protocol):
    """Compares the links of a neighbour on a day, as 20200615, and repairs them if wanted."""

    def __call__(self, peer_id: str, day: int, *, is_repairing: bool) -> Awaitable[list[ComparedLink]]:
        """Returns what comparing showed."""


#: Returns the check of classes with what is in force.
ReadClasses = Callable[[], Awaitable[ClassCheck]]

_BATCH = 100
_SHOWN_RECORDS = 100


class Aborted(Exception):
    """Somebody wants the execution to stop."""


class Runnable(Protocol):
    """An operation."""

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Says what would happen, without doing it.

        Raises:
            Violated: it cannot be done.
        """

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Does it; returns its result for people.

        Raises:
            Aborted: it was stopped.
        """


class PeerBlock:
    """Refusing a neighbour from its next call on."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Says whom it is about."""
        _only(arguments)
        async with self._ledger.read() as session:
            peer = await peers.by_id(session, name)
        if peer is None:
            raise Violated("ARGUMENT_INVALID", "object", name)
        return [f"{peer.peer_id} {peer.relation} {peer.kind} {peer.thumbprint}: {peer.state} → blocked"]

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Blocks it and tells the hub's processes."""
        _only(arguments)
        await step(0, 1)
        async with recorded(self._ledger, "peer.block", name) as act:
            await peers.set_state(act.session, name, "blocked")
        async with self._ledger.watching() as connection:
            await wakeups.wake(connection.driver, wakeups.PEERS)
        await step(1, 1)
        return f"{name} 已停用 / blocked"


class Rewitness:
    """Beginning anew as the witness of a neighbour's audit log, after a restore that was shown to be rightful."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Says which checkpoint is not asked for any more; it stays where it is, as evidence."""
        _only(arguments)
        async with self._ledger.read() as session:
            held = await audit_checkpoints.last_witnessed(session, name)
        if held is None:
            raise Violated("ARGUMENT_INVALID", "object", name)
        return [f"{name}: {held.size} {held.root.hex()} {held.witnessed_time.isoformat(timespec='seconds')}"]

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Believes the neighbour's next checkpoint."""
        lines = await self.dry_run(name, arguments)
        await step(0, 1)
        await rewitness(self._ledger, self._clock, name, lines[0])
        await step(1, 1)
        return f"{name} 的下一个检查点将被视为首个 / its next checkpoint is believed"


async def rewitness(ledger: Ledger, clock: Clock, peer_id: str, reason: str) -> None:
    """Begins anew as the witness of a neighbour's log."""
    async with recorded(ledger, "audit.rewitness", peer_id, detail={"reason": reason}) as act:
        await audit_checkpoints.renew(act.session, peer_id, datetime.fromtimestamp(clock() / 1_000_000, UTC))


class BulkReplay:
    """Replaying every open record of the quarantine, or those of a reason, neighbour or stage."""

    def __init__(self, ledger: Ledger, hub_id: str, clock: Clock, read_classes: ReadClasses) -> None:
        self._ledger = ledger
        self._hub_id = hub_id
        self._clock = clock
        self._read_classes = read_classes

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Names the records; the object is ``quarantine``."""
        _require_whole(name)
        numbers = await self._numbers(arguments)
        listed = ",".join(map(str, numbers))
        digest = hashlib.sha256(listed.encode()).hexdigest()
        shown = ", ".join(map(str, numbers[:_SHOWN_RECORDS]))
        return [f"{len(numbers)} 条记录 / records, sha256 {digest}", shown]

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Replays them, a batch a transaction."""
        _require_whole(name)
        numbers, check, done = await self._numbers(arguments), await self._read_classes(), 0
        for begin in range(0, len(numbers), _BATCH):
            await step(begin, len(numbers))
            batch = numbers[begin : begin + _BATCH]
            about: dict[str, Value] = {"numbers": [str(number) for number in batch]}
            async with recorded(self._ledger, "quarantine.replay", f"{batch[0]}-{batch[-1]}", detail=about) as act:
                for number in batch:
                    outcome = await replay(act.session, number, actor(), self._hub_id, self._clock(), check_class=check)
                    done += outcome is Replayed.REPLAYED
                act.detail["replayed"] = done
            async with self._ledger.watching() as connection:
                await wakeups.wake(connection.driver, wakeups.INBOX, wakeups.OUTBOX)
        await step(len(numbers), len(numbers))
        return f"{done} / {len(numbers)} 条已重放 / replayed"

    async def _numbers(self, arguments: Arguments) -> list[int]:
        _only(arguments, "reason", "peer", "stage")
        reason, peer_id, stage = (str(arguments.get(key, "")) for key in ("reason", "peer", "stage"))
        async with self._ledger.read() as session:
            return await quarantine.open_numbers(session, reason=reason, peer_id=peer_id, stage=stage)


class LinkRepair:
    """Sending again, on one day of a link, what one side has lost."""

    def __init__(self, ledger: Ledger, reconcile: Reconcile) -> None:
        self._ledger = ledger
        self._reconcile = reconcile

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Compares, and says the differences by their causes."""
        lines = []
        for link in await self._reconcile(name, _day(arguments), is_repairing=False):
            if link.trouble:
                raise Violated("ARGUMENT_INVALID", "object", f"{link.peer_id}: {link.trouble}")
            for day in link.days:
                causes = ", ".join(f"{cause}: {count}" for cause, count in sorted(day.causes.items()))
                lines.append(f"{link.peer_id} {day.day} {'→' if day.is_sent else '←'} {causes or '一致 / the same'}")
        if not lines:
            raise Violated("ARGUMENT_INVALID", "object", name)
        return lines

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Repairs."""
        day = _day(arguments)
        await step(0, 1)
        async with told(self._ledger, "link.repair", name, detail={"day": day}) as detail:
            links = await self._reconcile(name, day, is_repairing=True)
            resent = sum(len(one.resent) for link in links for one in link.days)
            detail["resent"] = resent
        await step(1, 1)
        return f"{resent} 条已补发 / resent"


class StandardPublish:
    """Publishing the draft of a standard; the object is ``<kind> <name>``."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Says what the release would be."""
        _only(arguments)
        plan = await self._publisher.drafted(*_standard(name))
        manifest = (await self._publisher.check(plan)).manifest
        return [
            f"{manifest.kind} {manifest.name} {manifest.version}, {_time(manifest.effective_time)}",
            *(f"{document.name} {document.digest}" for document in manifest.documents),
        ]

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Publishes."""
        _only(arguments)
        await step(0, 1)
        published = await self._publisher.publish(await self._publisher.drafted(*_standard(name)))
        await step(1, 1)
        return f"{published.kind} {published.name} {published.version} 已发布 / published"


class StandardWithdraw:
    """Withdrawing a version of a standard from a time on; the object is ``<kind> <name>``."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def dry_run(self, name: str, arguments: Arguments) -> list[str]:
        """Says what would be withdrawn and when."""
        kind, standard = _standard(name)
        version, moment, note = _withdrawal(arguments)
        return [f"{kind} {standard} {version} 撤回 / withdrawn, {_time(moment)}: {note}"]

    async def run(self, name: str, arguments: Arguments, step: Step) -> str:
        """Withdraws."""
        await step(0, 1)
        kind, standard = _standard(name)
        version, moment, note = _withdrawal(arguments)
        manifest = await self._publisher.withdraw(kind, standard, version, moment, note)
        await step(1, 1)
        return f"{manifest.kind} {manifest.name} {manifest.version}"


def operations(
    ledger: Ledger, hub_id: str, clock: Clock, publisher: Publisher, read_classes: ReadClasses, reconcile: Reconcile
) -> dict[Operation, Runnable]:
    """Returns the operations a hub can execute; the other words of ``Operation`` have none yet."""
    return {
        Operation.PEER_BLOCK: PeerBlock(ledger),
        Operation.REWITNESS: Rewitness(ledger, clock),
        Operation.BULK_REPLAY: BulkReplay(ledger, hub_id, clock, read_classes),
        Operation.LINK_REPAIR: LinkRepair(ledger, reconcile),
        Operation.STANDARD_PUBLISH: StandardPublish(publisher),
        Operation.STANDARD_WITHDRAW: StandardWithdraw(publisher),
    }


def _require_whole(name: str) -> None:
    if name != "quarantine":
        raise Violated("ARGUMENT_INVALID", "object", name)


def _only(arguments: Arguments, *known: str) -> None:
    """Refuses what would be ignored: nobody shall think that a limit was applied which was not."""
    if strange := sorted(arguments.keys() - set(known)):
        raise Violated("ARGUMENT_INVALID", "arguments", ", ".join(strange))


def _day(arguments: Arguments) -> int:
    _only(arguments, "day")
    text = str(arguments.get("day", ""))
    if not (len(text) == 8 and text.isascii() and text.isdecimal()):
        raise Violated("ARGUMENT_INVALID", "arguments.day", text)
    return int(text)


def _standard(name: str) -> tuple[str, str]:
    kind, _, standard = name.partition(" ")
    if not kind or not standard:
        raise Violated("ARGUMENT_INVALID", "object", name)
    return kind, standard


def _withdrawal(arguments: Arguments) -> tuple[str, int, str]:
    _only(arguments, "version", "from", "note")
    try:
        moment = datetime.fromisoformat(str(arguments["from"]))
        version, note = str(arguments["version"]), str(arguments.get("note", ""))
    except (KeyError, ValueError):
        raise Violated("ARGUMENT_INVALID", "arguments", "version, from") from None
    if moment.tzinfo is None:
        raise Violated("ARGUMENT_INVALID", "arguments.from", arguments["from"])
    return version, int(moment.timestamp()) * 1_000_000, note


def _time(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1_000_000, UTC).isoformat()
