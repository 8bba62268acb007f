"""A conversation by REST as it went over the wire: a hub must answer the same calls the same way for ever.

The files were captured from a hub and are not made anew: what changes an answer breaks platforms in use. Only the texts
for people may be worded better.
"""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.transports import signing
from exchange_db.session import Ledger
from tests.support.applied import apply_waiting
from tests.support.builders import COUNTY
from tests.support.clock import FakeClock
from tests.support.rest import SECRET, enter, rest_edge

_FOLDER = Path(__file__).parent / "captured"
_REQUESTS = sorted(_FOLDER.glob("*.request"))
_ANSWERED = ("Content-Type", "Sanji-Time", "Sanji-Sign")


class Message(NamedTuple):
    """A request or an answer, without the headers that HTTP itself needs."""

    start: str
    headers: dict[str, str]
    body: bytes


def read_message(path: Path) -> Message:
    """Reads a captured message."""
    head, _, body = path.read_bytes().partition(b"\n\n")
    start, *lines = head.decode().splitlines()
    return Message(start, dict(line.split(": ", 1) for line in lines), body)


async def lay_down(ledger: Ledger) -> None:
    """Has the case that was pushed go out to who pushed it, which apply itself would never do."""
    async with ledger.write() as session:
        await session.driver.execute(
            "INSERT INTO outbox (destination_id, partition, position, inbox_id)"
            " SELECT p.destination_id, i.partition, i.inbox_id * 16, i.inbox_id FROM inbox i, peers p"
        )


#: What happens at the hub before a call.
_BEFORE: dict[str, Callable[[Ledger], Awaitable[None]]] = {"06-receipts": apply_waiting, "08-fetch": lay_down}


async def test_a_hub_answers_as_it_did_when_the_conversation_was_captured(ledger: Ledger, clock: FakeClock) -> None:
    assert len(_REQUESTS) == 10
    await enter(ledger)
    async with rest_edge(ledger, clock) as caller:
        for path in _REQUESTS:
            if path.stem in _BEFORE:
                await _BEFORE[path.stem](ledger)
            sent, wanted = read_message(path), read_message(path.with_suffix(".answer"))
            method, target = sent.start.split(" ")
            answer = await caller.send(method, target, sent.body, sent.headers)
            assert (str(answer.status), _facts(answer.value)) == (wanted.start, _facts(json.loads(wanted.body)))
            assert {name for name in _ANSWERED if name in answer.headers} == wanted.headers.keys(), path.stem
            _check_sign(sent, Message(wanted.start, answer.headers, answer.body))


@pytest.mark.parametrize("path", _REQUESTS, ids=lambda path: path.stem)
def test_a_captured_answer_is_signed_as_answers_are_still_signed(path: Path) -> None:
    _check_sign(read_message(path), read_message(path.with_suffix(".answer")))


def _facts(value: Any) -> Any:
    """Returns an answer without its texts for people."""
    if isinstance(value, list):
        return [_facts(item) for item in value]
    if isinstance(value, dict):
        return {name: _facts(held) for name, held in value.items() if name not in ("message", "message_zh")}
    return value


def _check_sign(sent: Message, answer: Message) -> None:
    sign = answer.headers.get(signing.SIGN)
    if sign is not None:
        nonce, moment = sent.headers[signing.NONCE], answer.headers[signing.TIME]
        text = signing.answer_text(COUNTY, int(answer.start), moment, nonce, answer.body)
        assert signing.is_signed(SECRET, text, sign)
