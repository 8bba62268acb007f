"""Checks of a hub: numbers without gaps, resuming after a cut, order within a case, and what a revision means."""

import asyncio
import time

import grpc

from auth.certificates import id_of
from conformance.calling import HubLine, fates_of, refusal_of, state_name
from conformance.checks import Face, Group, Texts, Trial, check
from conformance.flaws import with_new_field
from conformance.neighbourhood import Neighbourhood
from conformance.scene import DESCRIPTION
from exchange_db.records import Case, CheckState, HandlingState, ReportState
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2

_SERVICE = "protos/exchange/v1/exchange_service.proto"
_PARCEL = "protos/exchange/v1/parcel.proto"
_LIFE = "docs/lifecycle.md"
#: Pause between two looks at what is due to the second neighbour.
_PAUSE_SECONDS = 0.1


@check(
    Face.HUB,
    Group.ORDERING,
    "new-stream",
    Texts("新流从 1 开始", "a new stream begins with 1"),
    Texts("每个流各有自己的序号", "Each stream has its own numbers"),
    _SERVICE,
)
async def _new_stream(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("打开两个新流，只在一个上报送 / opens two streams, sends on one")
    one, other = hub.scene.stream(), hub.scene.stream()
    await hub.line.batch(one, [hub.scene.payload(hub.scene.report())], 1)
    for name, wanted in ((one, 2), (other, 1)):
        async with hub.line.stream(name) as stream:
            trial.expect_equal("next_sequence", wanted, stream.next_sequence)


@check(
    Face.HUB,
    Group.ORDERING,
    "gap",
    Texts("序号有缺口", "a gap in the numbers"),
    Texts(
        "缺口之后的不接收，答复 OUT_OF_ORDER 和期望序号",
        "What is behind a gap is not taken; the number expected is told",
    ),
    "protos/exchange/v1/receipt.proto",
)
async def _gap(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("先送序号 3、4，再从 1 送起 / numbers 3 and 4 first, then from 1")
    payloads = [hub.scene.payload(hub.scene.report()) for _ in range(4)]
    async with hub.line.stream(hub.scene.stream()) as stream:
        await stream.send(3, payloads[2:])
        early = await stream.verdict()
        trial.expect_equal("outcomes", [4, 4], list(early.outcomes))
        trial.expect_equal("next_sequence", 1, early.next_sequence)
        await stream.send(early.next_sequence, payloads)
        trial.expect_equal("outcomes", [1] * 4, list((await stream.verdict()).outcomes))


@check(
    Face.HUB,
    Group.ORDERING,
    "resume",
    Texts("断线后续传", "resuming after a cut"),
    Texts(
        "断线后由期望序号说明续传位置，不丢失、不重复",
        "After a cut the number expected tells where to go on; nothing is lost",
    ),
    _SERVICE,
)
async def _resume(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("送一批后不等答复即断开，重开续传 / cuts before the answer, opens again and goes on")
    cases = [hub.scene.report() for _ in range(3)]
    payloads, name = [hub.scene.payload(case) for case in cases], hub.scene.stream()
    async with hub.line.stream(name) as stream:
        await stream.send(1, payloads)
    async with hub.line.stream(name) as stream:
        told = stream.next_sequence
        trial.expect(told in {1, 4}, "next_sequence = 1 | 4", told)
        await stream.send(1, payloads)
        verdict = await stream.verdict()
    trial.expect_equal("next_sequence", 4, verdict.next_sequence)
    trial.expect(set(verdict.outcomes) <= {1, 2}, "DURABLE | DUPLICATE", [fate.outcome for fate in fates_of(verdict)])
    async with hub.line.stream(name) as stream:
        trial.expect_equal("next_sequence", 4, stream.next_sequence)


@check(
    Face.HUB,
    Group.ORDERING,
    "pipelined",
    Texts("连续送 8 批，按序答复", "8 batches at once are answered in order"),
    Texts("每批按到达顺序逐批答复", "Batches are answered one by one, in order"),
    _SERVICE,
)
async def _pipelined(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("不等答复连送 8 批 / 8 batches without waiting")
    firsts = [1 + 2 * number for number in range(8)]
    async with hub.line.stream(hub.scene.stream()) as stream:
        for first in firsts:
            await stream.send(first, [hub.scene.payload(hub.scene.report()) for _ in range(2)])
        answers = [await stream.verdict() for _ in firsts]
    trial.expect_equal("first_sequence", firsts, [answer.first_sequence for answer in answers])
    trial.expect_equal("outcomes", [2] * 8, [len(answer.outcomes) for answer in answers])


def _story(hub: Neighbourhood) -> list[Case]:
    """A case from its report to its closing."""
    scene = hub.scene
    first = scene.report()
    number = first.case_no
    return [
        first,
        scene.report(number, 2, state=ReportState.VERIFYING),
        scene.report(number, 3, state=ReportState.FILED),
        scene.case(number, assignment=scene.assignment()),
        scene.case(number, handling=scene.handling()),
        scene.case(number, handling=scene.handling(2, HandlingState.DISPATCHED_ON)),
        scene.case(number, handling=scene.handling(3, HandlingState.CLOSE_REQUESTED)),
        scene.case(number, verdict=scene.check(1, CheckState.CHECKING)),
        scene.case(number, verdict=scene.check(2)),
    ]


async def _settled(hub: Neighbourhood, payloads: list[bytes]) -> list[str]:
    """Pushes a batch and returns the business state of each parcel."""
    async with hub.line.stream(hub.scene.stream(), wants_receipts=True) as stream:
        await stream.send(1, payloads)
        await stream.verdict()
        ranges = await stream.settled(len(payloads))
    found = {item.sequence: f"{state_name(item.state)} {item.reason}" for part in ranges for item in part.exceptions}
    return [found.get(sequence, "APPLIED") for sequence in range(1, len(payloads) + 1)]


@check(
    Face.HUB,
    Group.ORDERING,
    "story",
    Texts("一批内同一案件按序生效", "records of one case in one batch apply in order"),
    Texts("同一案件的记录按序号顺序生效", "Records of one case apply in the order of their numbers"),
    _PARCEL,
)
async def _ordered_story(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("一批送一个案件从上报到结案的九条记录 / nine records of a case, from report to closing")
    story = _story(hub)
    states = await _settled(hub, [hub.scene.payload(case) for case in story])
    trial.expect_equal("receipts", ["APPLIED"] * len(story), states)
    await hub.expect_state(trial, story[0].case_no, "closed")


@check(
    Face.HUB,
    Group.ORDERING,
    "lower-revision",
    Texts("较低修订号", "a lower revision"),
    Texts("只有更高的修订号生效；较低者答复 STALE", "Only a higher revision takes effect; a lower one is stale"),
    _LIFE,
)
async def _lower_revision(hub: Neighbourhood, trial: Trial) -> None:
    await _stale(hub, trial, 2)


@check(
    Face.HUB,
    Group.ORDERING,
    "same-revision",
    Texts("修订号相同、内容不同", "the same revision with other content"),
    Texts("先到者生效，后到者答复 STALE", "The first one holds; the other is stale"),
    "docs/bad-input.md",
)
async def _same_revision(hub: Neighbourhood, trial: Trial) -> None:
    await _stale(hub, trial, 3)


async def _stale(hub: Neighbourhood, trial: Trial, revision: int) -> None:
    first = hub.scene.report(revision=3)
    await hub.take(trial, first, "修订号 3 / revision 3")
    trial.do(f"其后修订号 {revision} / then revision {revision}")
    fate = await hub.hand_in(hub.scene.report(first.case_no, revision, description=f"{DESCRIPTION} 旧"))
    trial.expect((fate.outcome, fate.state) == ("DURABLE", "STALE"), "DURABLE STALE", fate)
    found = (await hub.as_it_stands(first.case_no)).case.report
    trial.expect_equal("report", (3, DESCRIPTION), (found.revision, found.description))


@check(
    Face.HUB,
    Group.ORDERING,
    "skipped-revision",
    Texts("修订号可以跳跃", "revisions may skip numbers"),
    Texts("每包带整个部分，更高的修订号即生效", "A parcel carries the whole section, so a higher revision is enough"),
    _LIFE,
)
async def _skipped_revision(hub: Neighbourhood, trial: Trial) -> None:
    first = hub.scene.report()
    await hub.take(trial, first, "修订号 1 / revision 1")
    await hub.take(trial, hub.scene.report(first.case_no, 9), "其后修订号 9 / then revision 9")
    found = (await hub.as_it_stands(first.case_no)).case.report
    trial.expect_equal("report.revision", 9, found.revision)


@check(
    Face.HUB,
    Group.ORDERING,
    "cursor-ahead",
    Texts("领取位置超前", "a cursor ahead of the link"),
    Texts("从未发出的序号不能确认：CURSOR_AHEAD", "Numbers never given cannot be confirmed"),
    "docs/errors.md",
)
async def _cursor_ahead(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("Pull after_sequence = 9,000,000,000,000")
    request = exchange.PullRequest(after_sequence=9_000_000_000_000, stop_when_empty=True)
    call = hub.line.peer.exchange.Pull(request, timeout=hub.terms.patience_seconds)
    came = ""
    try:
        await call.read()
        await call.code()
    except grpc.aio.AioRpcError as error:
        came = str(refusal_of(error))
    trial.expect(came == "OUT_OF_RANGE CURSOR_AHEAD after_sequence", "OUT_OF_RANGE CURSOR_AHEAD after_sequence", came)


@check(
    Face.HUB,
    Group.ORDERING,
    "pulled",
    Texts("派给邻居的记录原字节可领取，可重复领取", "what is due to a neighbour is pulled, byte for byte, and again"),
    Texts(
        "应发记录逐条编号、无缺口，字节不变（含未知字段），重领相同",
        "Due records are numbered without gap, bytes unchanged, the same again",
    ),
    _SERVICE,
)
async def _pulled(hub: Neighbourhood, trial: Trial) -> None:
    second = hub.require_second()
    trial.do(f"派给 {second.peer_id} 所在枢纽的第二邻居，领取两次，不确认 / dispatched to the second neighbour")
    case = hub.scene.report(state=ReportState.FILED)
    parcel = parcel_pb2.Parcel.FromString(hub.scene.payload(case))
    with_new_field(parcel.case.report)
    sent = parcel.SerializeToString(deterministic=True)
    taken = await hub.line.one(sent)
    trial.expect((taken.outcome, taken.state) == ("DURABLE", "APPLIED"), "DURABLE APPLIED", taken)
    handler = id_of(second.certificate.read_bytes())
    await hub.hand_in(hub.scene.case(case.case_no, assignment=hub.scene.assignment(handler_id=handler)))
    async with HubLine(second, hub.terms.patience_seconds) as line:
        first, payload = await _found(line, sent)
        trial.expect(first > 0, "可领取 / it can be pulled", first or "没有 / none")
        again, _ = await _found(line, sent)
    trial.expect(
        payload == sent, "原字节 / the bytes as sent", "相同 / same" if payload == sent else "不同 / other bytes"
    )
    trial.expect_equal("sequence", first, again)


async def _found(line: HubLine, sent: bytes) -> tuple[int, bytes]:
    """Reads what is due from the beginning, confirming nothing; returns number and bytes of a message, 0 for none."""
    message_id = parcel_pb2.Parcel.FromString(sent).message_id.encode()
    until = time.monotonic() + line.patience_seconds
    while time.monotonic() < until:
        call = line.peer.exchange.Pull(exchange.PullRequest(batch_size=500, stop_when_empty=True))
        expected = 1
        while isinstance(response := await call.read(), exchange.PullResponse):
            batch = response.batch
            if batch.first_sequence != expected:
                raise ValueError(f"number {batch.first_sequence} follows {expected - 1}")
            for sequence, payload in enumerate(batch.parcels, expected):
                if message_id in payload[:64]:
                    call.cancel()
                    return sequence, payload
            expected += len(batch.parcels)
        await asyncio.sleep(_PAUSE_SECONDS)
    return 0, b""
