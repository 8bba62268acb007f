"""Verifying the log where it lies: every line, the kept nodes, the head, and every checkpoint with its signatures."""

from collections.abc import Iterable

from auth.audit_chain import Broken, ChainWalk, Checkpoint, read_checkpoint
from auth.signatures import Signed
from exchange_db import audit, audit_checkpoints
from exchange_db.audit_hashes import Head, Node, beginning, grown
from exchange_db.audit_proofs import head_at
from exchange_db.records import Violated
from exchange_db.session import HotSession, ReadSession
from hub.audit.exports import Verified, result_of

Session = HotSession | ReadSession
#: Most lines of a range, and checkpoints of one signer in it.
MOST_LINES, MOST_CHECKPOINTS = 5_000, 100


async def verify_ledger(
    session: Session, hub_id: str, authorities: bytes, others: Iterable[Checkpoint] = ()
) -> Verified:
    """Verifies the log of a ledger; the first line that is wrong ends it.

    Args:
        session: one consistent picture.
        hub_id: whose log it is.
        authorities: PEM of the federation's authorities.
        others: checkpoints that were kept elsewhere, already verified.
    """
    head = await audit.head_of(session)
    kept = list(others)
    for signed in await audit_checkpoints.all_signed(session):
        try:
            kept.append(read_checkpoint(Signed(*signed), authorities))
        except Violated as refused:
            said = refused.violation
            trouble = Broken(0, f"检查点无效：{said.message_zh}", f"a checkpoint does not hold: {said.message}")
            return Verified(hub_id, 0, trouble, len(kept), (), 0)
    foreign = next((one for one in kept if one.hub_id != hub_id), None)
    if foreign is not None:
        trouble = Broken(0, f"检查点属于 {foreign.hub_id}", f"a checkpoint is of {foreign.hub_id}")
        return Verified(hub_id, 0, trouble, len(kept), (), 0)
    walk, nodes = ChainWalk(head.algorithm, kept), dict[tuple[int, int], bytes]()
    async for line in audit.lines(session):
        before = walk.head
        if broken := walk.take(line):
            return result_of(hub_id, walk, kept, broken)
        nodes.update({(node.level, node.position): node.hash for node in grown(before, [line.leaf_hash])[2]})
    broken = walk.end()
    if broken is None and walk.head != head:
        broken = Broken(
            min(walk.head.size, head.size) + 1,
            f"日志有 {walk.head.size} 条，末端记录为 {head.size} 条或摘要不同",
            f"the log has {walk.head.size} entries; its head tells of {head.size}, or of another hash",
        )
    return result_of(hub_id, walk, kept, broken or await _wrong_node(session, nodes))


async def verify_range(session: Session, hub_id: str, authorities: bytes, first: int, last: int) -> Verified:
    """Verifies some lines of the log: that they follow the line before, the tree over all up to them, checkpoints.

    The line before ``first`` is believed; ``verify_ledger`` proves all of it. Of checkpoints at most
    ``MOST_CHECKPOINTS`` of this hub, and of each neighbour, are asked.

    Raises:
        Violated: RANGE_TOO_LONG beyond ``MOST_LINES``.
    """
    if last - first >= MOST_LINES:
        raise Violated("RANGE_TOO_LONG", "to", MOST_LINES)
    head = await audit.head_of(session)
    last, kept = min(last, head.size), list[Checkpoint]()
    for signed in await audit_checkpoints.signed_between(session, first, last, MOST_CHECKPOINTS):
        try:
            kept.append(read_checkpoint(Signed(*signed), authorities))
        except Violated as refused:
            said = refused.violation
            trouble = Broken(0, f"检查点无效：{said.message_zh}", f"a checkpoint does not hold: {said.message}")
            return Verified(hub_id, 0, trouble, len(kept), (), 0)
    before = await _head_before(session, head.algorithm, first)
    walk, nodes = ChainWalk(head.algorithm, kept, before), dict[tuple[int, int], bytes]()
    async for line in audit.lines(session, first, last):
        behind = walk.head
        if broken := walk.take(line):
            return result_of(hub_id, walk, kept, broken)
        nodes.update({(node.level, node.position): node.hash for node in grown(behind, [line.leaf_hash])[2]})
    if walk.head.size != last or (last == head.size and walk.head != head):
        number = walk.head.size + 1
        trouble = Broken(
            number, f"第 {number} 条缺失，或末端摘要不符", f"line {number} is missing, or the head differs"
        )
        return result_of(hub_id, walk, kept, trouble)
    return result_of(hub_id, walk, kept, await _wrong_node(session, nodes, is_part=True))


async def _head_before(session: Session, algorithm: str, first: int) -> Head:
    async for line in audit.lines(session, first - 1, first - 1):
        return await head_at(session, algorithm, first - 1, line.chain_hash)
    return beginning(algorithm)


async def _wrong_node(session: Session, nodes: dict[tuple[int, int], bytes], *, is_part: bool = False) -> Broken | None:
    """Finds the first entry of a kept subtree that is not what the lines say; proofs are made of these.

    With ``is_part`` only the subtrees that ``nodes`` names are looked at.
    """
    kept = await _kept_nodes(session, list(nodes) if is_part else None)
    found = {(node.level, node.position): node.hash for node in kept}
    wrong = [place for place in nodes.keys() | found.keys() if nodes.get(place) != found.get(place)]
    if not wrong:
        return None
    level, position = min(wrong, key=lambda place: (place[1] << place[0], place[0]))
    number = (position << level) + 1
    return Broken(number, f"第 {number} 条起的子树摘要不符", f"the kept hash of the subtree at {number} is wrong")


async def _kept_nodes(session: Session, places: list[tuple[int, int]] | None) -> list[Node]:
    if places is None:
        cursor = await session.driver.execute("SELECT level, position, hash FROM audit_nodes")
    else:
        cursor = await session.driver.execute(
            "SELECT n.level, n.position, n.hash FROM unnest(%s::smallint[], %s::bigint[]) p(level, position)"
            " JOIN audit_nodes n ON n.level = p.level AND n.position = p.position",
            ([level for level, _ in places], [position for _, position in places]),
        )
    return [Node(*row) for row in await cursor.fetchall()]
