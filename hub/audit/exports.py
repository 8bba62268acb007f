"""A log as a file: all of it, with its checkpoints and what neighbours signed, to be verified on another machine.

One JSON object a line, each in its one canonical form, so that any changed byte shows. The first names the log, then
come checkpoints and countersignatures, then the entries. Called by ``sanji audit``; needs no ledger to verify.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from auth.audit_chain import Broken, ChainWalk, Checkpoint, read_checkpoint, told_by
from auth.signatures import Signed
from exchange_db import audit, audit_checkpoints
from exchange_db.audit_hashes import ALGORITHMS
from exchange_db.audit_records import AuditLine
from exchange_db.records import Violated
from exchange_db.session import ReadSession

FORM = "sanji audit log 1"
#: Longest line of an export that is read.
MAX_LINE_BYTES = 256 * 1024


class ExportInvalid(Exception):
    """The file is no export, or its first line was changed."""


class _Top(Struct, frozen=True, forbid_unknown_fields=True):
    form: str
    hub_id: str
    algorithm: str
    size: int
    checkpoint_count: int


class _Row(Struct, frozen=True, forbid_unknown_fields=True):
    content: str
    leaf: str
    chain: str


class _Shown(Struct, frozen=True, forbid_unknown_fields=True):
    content: str
    signature: str
    certificates: str


class Verified(NamedTuple):
    """What came of verifying: how many entries were read, the first that is wrong, and the checkpoints that fit.

    ``broken`` names line 0 where it is a checkpoint that does not hold, not an entry.
    ``last_fitting`` is the size of the largest checkpoint signed by somebody that the log fits; 0 for none.
    """

    hub_id: str
    entry_count: int
    broken: Broken | None
    checkpoint_count: int
    witness_ids: tuple[str, ...]
    last_fitting: int


async def write_export(session: ReadSession, hub_id: str) -> AsyncIterator[bytes]:
    """Yields the lines of an export, each with its line end."""
    head = await audit.head_of(session)
    signed = await audit_checkpoints.all_signed(session)
    yield _line(_Top(FORM, hub_id, head.algorithm, head.size, len(signed)))
    for one in signed:
        yield _line(shown(Signed(*one)))
    async for line in audit.lines(session, 1, head.size):
        yield _line(_Row(line.content.decode(), line.leaf_hash.hex(), line.chain_hash.hex()))


def shown(signed: Signed) -> _Shown:
    """Returns a signed checkpoint as a file has it."""
    return _Shown(signed.content.decode(), signed.signature.hex(), signed.certificates.decode())


def read_shown(text: bytes) -> Signed:
    """Reads a signed checkpoint from a file.

    Raises:
        ExportInvalid: it is none.
    """
    try:
        return _signed(msgspec.json.decode(text, type=_Shown))
    except (ValueError, msgspec.MsgspecError) as error:
        raise ExportInvalid(str(error)) from None


def verify_export(lines: Iterable[bytes], authorities: bytes, others: Iterable[Checkpoint] = ()) -> Verified:
    """Verifies an export; the first line that is wrong ends it.

    Args:
        lines: the file's lines with their ends.
        authorities: PEM of the federation's authorities, from elsewhere than the file.
        others: checkpoints that were kept elsewhere, already verified.

    Raises:
        ExportInvalid: the first line cannot be read.
    """
    reading = iter(lines)
    top = _top(next(reading, b""))
    kept = list(others)
    for at in range(top.checkpoint_count):
        found = _checkpoint(next(reading, b""), authorities, at + 2)
        if isinstance(found, Broken):
            return Verified(top.hub_id, 0, found, at, (), 0)
        kept.append(found)
    foreign = next((one for one in kept if one.hub_id != top.hub_id), None)
    if foreign is not None:
        trouble = Broken(0, f"检查点属于 {foreign.hub_id}", f"a checkpoint is of {foreign.hub_id}")
        return Verified(top.hub_id, 0, trouble, 0, (), 0)
    walk = ChainWalk(top.algorithm, kept)
    return result_of(top.hub_id, walk, kept, _walked(walk, reading) or _wrong_length(walk, top) or walk.end())


def result_of(hub_id: str, walk: ChainWalk, kept: list[Checkpoint], broken: Broken | None) -> Verified:
    """Sums up a walk."""
    fitting = [one for one in kept if one.size <= walk.head.size and (broken is None or one.size < broken.number)]
    witnesses = sorted({one.witness_id for one in fitting if one.witness_id})
    last = max((one.size for one in fitting), default=0)
    return Verified(hub_id, walk.head.size, broken, len(kept), tuple(witnesses), last)


def _walked(walk: ChainWalk, rows: Iterable[bytes]) -> Broken | None:
    for number, text in enumerate(rows, 1):
        line = _audit_line(text)
        if line is None:
            return Broken(number, "该行不是规定的格式", "the line is not in its form")
        if broken := walk.take(line):
            return broken
    return None


def _wrong_length(walk: ChainWalk, top: _Top) -> Broken | None:
    if walk.head.size == top.size:
        return None
    number = min(walk.head.size, top.size) + 1
    return Broken(
        number,
        f"文件应有 {top.size} 条，实有 {walk.head.size} 条",
        f"the file should have {top.size} entries and has {walk.head.size}",
    )


def _top(text: bytes) -> _Top:
    try:
        top = msgspec.json.decode(text, type=_Top)
    except (ValueError, msgspec.MsgspecError) as error:
        raise ExportInvalid(str(error)) from None
    if _line(top) != text or top.form != FORM or top.algorithm not in ALGORITHMS or top.size < 0:
        raise ExportInvalid("the first line is not in its form")
    return top


def _audit_line(text: bytes) -> AuditLine | None:
    """Reads an entry; its columns are read off its content, so they cannot differ."""
    try:
        row = msgspec.json.decode(text, type=_Row)
        content = row.content.encode()
        told: dict[str, Any] = told_by(content) or {}
        if _line(row) != text:
            return None
        moment = datetime.fromisoformat(told["time"])
        return AuditLine(
            told["number"], int(moment.timestamp()) * 1_000_000 + moment.microsecond, told["actor"], told["action"],
            told["object"], told["outcome"], told["reason"], int(told["region"]), content, bytes.fromhex(row.leaf),
            bytes.fromhex(row.chain),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, msgspec.MsgspecError):
        return None


def _checkpoint(text: bytes, authorities: bytes, file_line: int) -> Checkpoint | Broken:
    try:
        found = msgspec.json.decode(text, type=_Shown)
        if _line(found) == text:
            return read_checkpoint(_signed(found), authorities)
        said = "不是规定的格式 / it is not in its form"
    except Violated as refused:
        said = f"{refused.violation.message_zh} / {refused.violation.message}"
    except (ValueError, msgspec.MsgspecError):
        said = "不是规定的格式 / it is not in its form"
    chinese, _, english = said.partition(" / ")
    return Broken(0, f"文件第 {file_line} 行的检查点无效：{chinese}", f"checkpoint in line {file_line}: {english}")


def _signed(found: _Shown) -> Signed:
    return Signed(found.content.encode(), bytes.fromhex(found.signature), found.certificates.encode())


def _line(value: Struct) -> bytes:
    return msgspec.json.encode(value) + b"\n"
