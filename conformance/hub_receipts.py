"""Checks of a hub: every record is answered, technically and in its business, each answer with the right number."""

import asyncio
import time

from conformance.calling import fates_of, state_name
from conformance.checks import Face, Group, Texts, Trial, check
from conformance.flaws import FLAWS
from conformance.hub_contract import is_explained
from conformance.neighbourhood import Neighbourhood
from conformance.scene import SECOND, now
from protos.exchange.v1 import exchange_service_pb2 as exchange

_RECEIPT = "protos/exchange/v1/receipt.proto"
_SERVICE = "protos/exchange/v1/exchange_service.proto"
_BY_NAME = {flaw.name: flaw for flaw in FLAWS}
#: Longest time in which a stream that wants no receipts is watched for them.
_QUIET_SECONDS = 0.5


def _mixed(hub: Neighbourhood) -> list[bytes]:
    """Good and bad records in turns."""
    bad = [_BY_NAME[name].of(hub.scene.payload(hub.scene.report())) for name in ("no-crs", "noise", "milliseconds")]
    good = [hub.scene.payload(hub.scene.report()) for _ in range(4)]
    return [good[0], bad[0], good[1], bad[1], good[2], bad[2], good[3]]


@check(
    Face.HUB,
    Group.RECEIPTS,
    "one-bad",
    Texts("一条坏记录不影响同批其他记录", "one bad record does not sink its batch"),
    Texts("坏记录单独拒收，同批好记录照常接收", "A bad record is refused alone"),
    _RECEIPT,
)
async def _one_bad(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("一批七条，其中三条有错 / seven records, three of them bad")
    fates = await hub.line.batch(hub.scene.stream(), _mixed(hub))
    wanted = ["DURABLE", "REFUSED"] * 3 + ["DURABLE"]
    trial.expect_equal("outcomes", wanted, [fate.outcome for fate in fates])


@check(
    Face.HUB,
    Group.RECEIPTS,
    "numbers",
    Texts("拒收说明的序号正确", "refusals carry the right numbers"),
    Texts(
        "每条未直接接收的记录有一条说明，序号为其自己的",
        "Each parcel that is not simply durable has a verdict under its own number",
    ),
    _SERVICE,
)
async def _numbers(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("一批七条，第 2、4、6 条有错 / the 2nd, 4th and 6th are bad")
    async with hub.line.stream(hub.scene.stream()) as stream:
        await stream.send(1, _mixed(hub))
        verdict = await stream.verdict()
    told = [(item.sequence, item.reason) for item in verdict.verdicts]
    wanted = [(2, "CRS_MISSING"), (4, "UNREADABLE"), (6, "FIELD_INVALID")]
    trial.expect_equal("verdicts", wanted, told)
    trial.expect_equal("next_sequence", 8, verdict.next_sequence)
    trial.expect_equal("first_sequence", 1, verdict.first_sequence)


@check(
    Face.HUB,
    Group.RECEIPTS,
    "number-used",
    Texts("被拒记录的序号不再使用", "the number of a refused record is used up"),
    Texts("拒收占用序号，后续从下一号继续", "A refusal uses its number up; the stream goes on behind it"),
    _RECEIPT,
)
async def _number_used(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("先送一条坏的，再送一条好的 / a bad record, then a good one")
    name = hub.scene.stream()
    await hub.line.batch(name, [_BY_NAME["swapped"].of(hub.scene.payload(hub.scene.report()))], 1)
    (fate,) = await hub.line.batch(name, [hub.scene.payload(hub.scene.report())])
    trial.expect((fate.sequence, fate.outcome) == (2, "DURABLE"), "2 DURABLE", f"{fate.sequence} {fate}")


@check(
    Face.HUB,
    Group.RECEIPTS,
    "moment",
    Texts("接收时间真实", "the time of acceptance is true"),
    Texts("accepted_time 为落盘时刻，微秒", "accepted_time is when the batch was on disk, in microseconds"),
    _SERVICE,
)
async def _moment(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("送一条并比较时刻 / one record, times compared")
    async with hub.line.stream(hub.scene.stream()) as stream:
        await stream.send(1, [hub.scene.payload(hub.scene.report())])
        moment = (await stream.verdict()).accepted_time
    apart = abs(moment - now()) // SECOND
    trial.expect(apart <= 300, "相差不超过 300 秒 / within 300 s", f"{apart} s")


@check(
    Face.HUB,
    Group.RECEIPTS,
    "business",
    Texts("业务回执逐条结清，无遗漏", "business receipts settle every number"),
    Texts("回执按序号区间结清，首尾相接；例外逐条列明", "Ranges follow without gap, exceptions are named one by one"),
    _SERVICE,
)
async def _business(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("送六条：四条生效、一条旧修订、一条违反归属 / six records: one stale, one of another's section")
    scene = hub.scene
    first = scene.report(revision=2)
    foreign = scene.case(first.case_no, actions=(scene.action(platform_id="999999.sanji-test"),))
    cases = [first, scene.report(), scene.report(first.case_no, 1), scene.report(), foreign, scene.report()]
    async with hub.line.stream(scene.stream(), wants_receipts=True) as stream:
        await stream.send(1, [scene.payload(case) for case in cases])
        verdict = await stream.verdict()
        ranges = list(await stream.settled(len(cases)))
    trial.expect_equal("outcomes", ["DURABLE"] * 6, [fate.outcome for fate in fates_of(verdict)])
    _expect_gapless(trial, ranges, 0, len(cases))
    told = [(item.sequence, state_name(item.state), item.reason) for part in ranges for item in part.exceptions]
    wanted = [(3, "STALE", ""), (5, "QUARANTINED", "SECTION_FORBIDDEN")]
    trial.expect_equal(
        "exceptions", wanted, [(number, state, reason if state != "STALE" else "") for number, state, reason in told]
    )
    held = next(item for part in ranges for item in part.exceptions if item.sequence == 5)
    trial.expect_equal("field_path", "case.actions.platform_id", held.field_path)
    trial.expect(is_explained(held.message, held.message_zh), "中英文说明 / explained in both", held.message_zh)
    early = [part.settled_time for part in ranges if part.settled_time < verdict.accepted_time - SECOND]
    trial.expect(not early, "settled_time ≥ accepted_time", early or "✓")


def _expect_gapless(trial: Trial, ranges: list[exchange.ReceiptRange], after: int, last: int) -> None:
    came = [(part.first_sequence, part.last_sequence) for part in ranges]
    expected = after + 1
    for first, end in came:
        trial.expect(first == expected and end >= first, f"{after + 1}-{last} 首尾相接 / without gap", came)
        expected = end + 1
    trial.expect_equal("last_sequence", last, expected - 1)


@check(
    Face.HUB,
    Group.RECEIPTS,
    "receipts-after",
    Texts("只给指定序号之后的回执", "receipts behind a number only"),
    Texts("receipts_after 之前的回执不再重复", "What is settled up to receipts_after is not told again"),
    _SERVICE,
)
async def _receipts_after(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("送四条并结清，再以 receipts_after = 2 打开 / four records settled, opened again behind 2")
    name, payloads = hub.scene.stream(), [hub.scene.payload(hub.scene.report()) for _ in range(4)]
    async with hub.line.stream(name, wants_receipts=True) as stream:
        await stream.send(1, payloads)
        await stream.settled(4)
    async with hub.line.stream(name, receipts_after=2, wants_receipts=True) as stream:
        ranges = list(await stream.settled(4))
    _expect_gapless(trial, ranges, 2, 4)


@check(
    Face.HUB,
    Group.RECEIPTS,
    "unwanted",
    Texts("未要求回执则不发", "no receipts where none are wanted"),
    Texts("wants_receipts 为假时不发业务回执", "Without wants_receipts none are sent"),
    _SERVICE,
)
async def _unwanted(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("不要回执送一条 / one record, no receipts wanted")
    async with hub.line.stream(hub.scene.stream()) as stream:
        await stream.send(1, [hub.scene.payload(hub.scene.report())])
        await stream.verdict()
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await stream.rest()
        except TimeoutError:
            pass
        trial.expect(not stream.receipts, "没有回执 / none", len(stream.receipts))


@check(
    Face.HUB,
    Group.RECEIPTS,
    "waiting",
    Texts("等待回执不超过所给时间，可稍后再问", "waiting ends in time, and may be asked again"),
    Texts(
        "PushOne 在 wait_milliseconds 内答复；未结清为 PENDING，再送同一消息可得结果",
        "PushOne answers in time; asked again it tells the result",
    ),
    _SERVICE,
)
async def _waiting(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("不等待 PushOne，再以等待重问 / without waiting, then asked again")
    payload, begin = hub.scene.payload(hub.scene.report()), time.monotonic()
    at_once = await hub.line.one(payload, waits=False)
    took = time.monotonic() - begin
    trial.expect(at_once.state in {"PENDING", "APPLIED"}, "DURABLE PENDING | APPLIED", at_once)
    trial.expect(took < 10.0, "< 10 s", f"{took:.1f} s")
    again = await hub.line.one(payload)
    trial.expect((again.outcome, again.state) == ("DUPLICATE", "APPLIED"), "DUPLICATE APPLIED", again)


@check(
    Face.HUB,
    Group.RECEIPTS,
    "held-and-on",
    Texts("一条入隔离区，其后记录照常生效", "behind a quarantined record the case goes on"),
    Texts("违反流转规则的记录单独隔离，同案后续记录照常", "What breaks a rule is put aside alone; later records go on"),
    "docs/lifecycle.md",
)
async def _held_and_on(hub: Neighbourhood, trial: Trial) -> None:
    scene, case = hub.scene, hub.scene.report()
    await hub.take(trial, case, "上报 / report")
    bad = scene.case(case.case_no, verdict=scene.check())
    await hub.held(trial, bad, "未处置即结案 / closed before any work", "TRANSITION_FORBIDDEN", "case.verdict.state")
    await hub.take(trial, scene.report(case.case_no, 2), "其后更正上报 / then a correction")
