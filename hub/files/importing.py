"""Taking a neighbour's files: judged before anything is believed, then handed to the intake desk like a push.

The numbers decide, not the order in which files come: what was there already is known, what is too early waits. A
process that is killed in between takes the same file once more, and the batches it had taken are known. Called by
``hub.files.work`` and ``sanji files import``.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection

from auth.envelope import LINK_STREAM, read_statement
from auth.principal import Principal
from connectors.transports.file_folders import Imported, Outcome, judged_broken, put_away, read_bytes
from connectors.transports.files import LinkFile, StreamAnswer, open_file, read_content
from exchange_db import file_links, inbox, links, outbox, peers, restores
from exchange_db.inbox import Stream
from exchange_db.peers import Peer
from exchange_db.records import Violated
from exchange_db.seal_records import Seal, Sealed
from exchange_db.session import Dedicated, Ledger
from hub.clock import Clock
from hub.delivery.fetcher import STREAM as FETCHED
from hub.delivery.taking import Take
from hub.federation.file_signing import signer
from hub.intake.streams import require_stream_name

#: What a file's own signature is made with; a link that demands it of batches has it.
_SIGNED_WITH = ("ES256",)
_REFUSED, _KNOWN = "R", "U"


class FileImport:
    """Takes files for a hub.

    Args:
        ledger: the hub's database.
        take: hands batches in.
        hub_id: name of this hub.
        authorities: PEM of the federation's authorities.
        clock: the hub's clock.
        fetches: whether this hub fetches from those above it where there is a line; their numbers go on there.
        patience_seconds: how long a file that is not whole may still be arriving.
    """

    def __init__(
        self,
        ledger: Ledger,
        take: Take,
        hub_id: str,
        authorities: bytes,
        clock: Clock,
        *,
        fetches: bool,
        patience_seconds: float = 0.0,
    ) -> None:
        self._patience_seconds = patience_seconds
        self._ledger = ledger
        self._take = take
        self._hub_id = hub_id
        self._authorities = authorities
        self._clock = clock
        self._fetches = fetches
        #: Files that wait and whose answers were noted: a gap they tell of is mended once, not at every look.
        self._noted: set[tuple[str, int]] = set()

    async def take_all(self, paths: list[Path], *, of: str = "") -> list[Imported]:
        """Takes files and puts them away; those that wait for others are tried again once those were taken.

        Args:
            paths: the files.
            of: the only neighbour whose files are taken; anybody's when empty.
        """
        done: list[Imported] = []
        waiting = paths
        while waiting:
            results = [await self.take(path, of=of) for path in waiting]
            again = [one.path for one in results if one.outcome is Outcome.WAITING]
            if len(again) == len(waiting):
                return done + results
            done += [one for one in results if one.outcome is not Outcome.WAITING]
            waiting = again
        return done

    async def take(self, path: Path, *, of: str = "") -> Imported:
        """Takes one file and puts it away; one that waits stays where it is.

        Raises:
            ExchangeDbError, OperationalError: the database does not answer; the file stays and can be taken again.
        """
        try:
            found = await self._judged(path, of)
        except OSError as error:
            return Imported(path, Outcome.WAITING, violation=Violated("FILE_DAMAGED", "file", error.strerror).violation)
        except Violated as violated:
            return judged_broken(path, violated.violation, self._clock(), self._patience_seconds)
        sender, file = found
        first, last = file.span
        began = Imported(path, Outcome.TAKEN, sender.peer_id, first, last)
        try:
            return put_away(await self._taken(sender, file, began))
        except Violated as violated:
            outcome = Outcome.WAITING if violated.violation.reason == "LINK_PAUSED" else Outcome.REFUSED
            return put_away(began._replace(outcome=outcome, violation=violated.violation))

    async def _judged(self, path: Path, of: str) -> tuple[Principal, LinkFile]:
        """Returns who wrote a file and what it says, once all of that can be believed."""
        signed = open_file(await asyncio.to_thread(read_bytes, path))
        name, thumbprint = signer(signed, self._authorities, self._clock())
        file = read_content(signed.content)
        if file.sender_id != name:
            raise Violated("PEER_ID_MISMATCH", "sender_id", name)
        if file.receiver_id != self._hub_id:
            raise Violated("FILE_FOR_OTHER", "receiver_id", file.receiver_id)
        if of and of != name:
            raise Violated("FILE_FOREIGN", "sender_id", name)
        require_stream_name(file.stream, "stream")
        async with self._ledger.watching() as connection:
            peer = await peers.by_thumbprint(connection, thumbprint)
        if peer is None or peer.peer_id != name:
            raise Violated("CERTIFICATE_UNKNOWN", "certificates")
        self._require_welcome(peer, thumbprint)
        return Principal(name, peer.region, peer.kind, peer.relation, peer.destination_id, thumbprint), file

    def _require_welcome(self, peer: Peer, thumbprint: str) -> None:
        """Asks of a file's writer what a call asks of a caller."""
        if peer.state != "active":
            raise Violated(peer.refusal, "certificates")
        end_time = peer.end_of(thumbprint)
        if end_time is None or end_time <= datetime.fromtimestamp(self._clock() / 1_000_000, UTC):
            raise Violated("CERTIFICATE_EXPIRED", "certificates")

    async def _taken(self, sender: Principal, file: LinkFile, began: Imported) -> Imported:
        async with self._ledger.dedicated() as connection:
            if not await links.is_welcome(connection.driver, sender.destination_id, sender.thumbprint):
                raise Violated(await links.refusal_of(connection.driver, sender.destination_id), "certificates")
            if (sender.peer_id, file.made_time) not in self._noted:
                for answer in file.answers:
                    await self._note(connection, sender, answer)
            stream = await inbox.open_stream(connection, sender.peer_id, self._stream_name(sender, file.stream))
            known = max(file.last_sequence, began.last)
            await file_links.standing(connection, sender.destination_id)
            await file_links.note_stream(
                connection.driver, stream.stream_id, file.answered_sequence, file.settled_sequence, known
            )
            if not file.batches and file.answered_sequence < stream.last_sequence:
                await file_links.answer_again(connection.driver, sender.destination_id)
            if began.first > stream.last_sequence + 1:
                missing = f"{stream.last_sequence + 1}–{began.first - 1}"
                early = Violated("FILE_EARLY", "first_sequence", missing).violation
                self._noted.add((sender.peer_id, file.made_time))
                return began._replace(outcome=Outcome.WAITING, violation=early)
            self._noted.discard((sender.peer_id, file.made_time))
            ended = await self._hand_in(connection.driver, sender, stream, file, began)
            await file_links.note_import(connection.driver, sender.destination_id)
            return ended

    async def _hand_in(
        self, driver: AsyncConnection[Any], sender: Principal, stream: Stream, file: LinkFile, began: Imported
    ) -> Imported:
        """Has every batch on disk, one after the other."""
        new = known = refused = 0
        for batch in file.batches:
            sealed = Sealed(file.stream, _unexpired(batch.seals, self._clock()), _SIGNED_WITH)
            answer = (
                await self._take(sender, stream.stream_id, batch.first_sequence, list(batch.payloads), sealed)
            ).answer
            if answer.is_blocked:
                raise Violated(await links.refusal_of(driver, sender.destination_id), "certificates")
            if any(one.reason == "SEQUENCE_REUSED" for one in answer.violations.values()):
                raise Violated("SEQUENCE_REUSED", "batches.first_sequence")
            known += answer.outcomes.count(_KNOWN)
            refused += answer.outcomes.count(_REFUSED)
            new += len(answer.outcomes) - answer.outcomes.count(_KNOWN) - answer.outcomes.count(_REFUSED)
        is_known = bool(file.batches) and began.last <= stream.last_sequence
        return began._replace(
            outcome=Outcome.KNOWN if is_known else Outcome.TAKEN,
            new_count=new, known_count=known, refused_count=refused,
        )  # fmt: skip

    async def _note(self, connection: Dedicated, sender: Principal, answer: StreamAnswer) -> None:
        """Records what a neighbour answered to our stream, as a dispatcher would."""
        if answer.stream != LINK_STREAM:
            return
        destination_id, driver = sender.destination_id, connection.driver
        progress = await outbox.progress(driver, destination_id)
        if answer.last > progress.last_sequence and not await restores.number_on(driver, destination_id, answer.last):
            raise Violated("CURSOR_AHEAD", "answers.last_sequence", answer.last)
        if answer.first > progress.acked_sequence + 1:
            # An earlier answer was lost; the next file says how far we know, and it is told again from there.
            return
        async with connection.transaction() as session:
            if answer.refused:
                await links.hold_refused(session, destination_id, sender.peer_id, list(answer.refused))
            await links.confirm(session.driver, destination_id, answer.last)
        reached = progress.receipted_sequence
        for settled in answer.settled:
            if settled.first > reached + 1 or settled.last > max(answer.last, progress.acked_sequence):
                break
            async with connection.transaction() as session:
                if settled.quarantined:
                    await links.hold_refused(session, destination_id, sender.peer_id, list(settled.quarantined))
                await links.settle(session.driver, destination_id, settled.last)
            reached = max(reached, settled.last)
        if answer.is_missing:
            await file_links.go_back(driver, destination_id, answer.last)

    def _stream_name(self, sender: Principal, name: str) -> str:
        """Returns what a stream is called here: one that is fetched where there is a line goes on under that name."""
        return FETCHED if name == LINK_STREAM and self._fetches and sender.relation == "parent" else name


def _unexpired(seals: Sequence[Seal], now: int) -> list[Seal]:
    """Returns the seals that still hold: others are no fault in a file, which may travel for days.

    Where one is demanded and has run out, the intake desk misses it.
    """
    held = []
    for seal in seals:
        try:
            is_over = read_statement(seal.statement).end_time <= now
        except ValueError:
            is_over = False
        if not is_over:
            held.append(seal)
    return held
