"""Checks of a hub: what comes again takes effect once, and is answered as the first time."""

from uuid import uuid4

from conformance.checks import Face, Group, Texts, Trial, check
from conformance.flaws import FLAWS
from conformance.neighbourhood import Neighbourhood
from conformance.scene import DESCRIPTION
from protos.common.v1 import page_pb2
from protos.exchange.v1 import exchange_service_pb2 as exchange

_RECEIPT = "protos/exchange/v1/receipt.proto"
_FLAW = next(flaw for flaw in FLAWS if flaw.name == "no-crs")


@check(
    Face.HUB,
    Group.IDEMPOTENCY,
    "same-message",
    Texts("同一消息再报一次", "the same message again"),
    Texts("答复 DUPLICATE，业务回执与第一次相同", "It is a duplicate, with the first business receipt"),
    _RECEIPT,
)
async def _same_message(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("同一字节 PushOne 三次 / the same bytes three times")
    payload = hub.scene.payload(hub.scene.report())
    first = await hub.line.one(payload)
    trial.expect((first.outcome, first.state) == ("DURABLE", "APPLIED"), "DURABLE APPLIED", first)
    for _ in range(2):
        again = await hub.line.one(payload)
        trial.expect((again.outcome, again.state) == ("DUPLICATE", "APPLIED"), "DUPLICATE APPLIED", again)


@check(
    Face.HUB,
    Group.IDEMPOTENCY,
    "other-stream",
    Texts("同一消息经另一流再报", "the same message on another stream"),
    Texts("消息以 message_id 识别，不论经哪个流", "A message is known by its id, whatever stream it comes by"),
    _RECEIPT,
)
async def _other_stream(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("同一字节经两个流 / the same bytes on two streams")
    payload = hub.scene.payload(hub.scene.report())
    (first,) = await hub.line.batch(hub.scene.stream(), [payload])
    (again,) = await hub.line.batch(hub.scene.stream(), [payload])
    trial.expect((first.outcome, again.outcome) == ("DURABLE", "DUPLICATE"), "DURABLE, DUPLICATE", f"{first}, {again}")


@check(
    Face.HUB,
    Group.IDEMPOTENCY,
    "same-numbers",
    Texts("同序号同字节再送", "the same bytes under the same numbers"),
    Texts("序号已用且字节相同：DUPLICATE，期望序号不变", "They are duplicates, and the number expected stays"),
    _RECEIPT,
)
async def _same_numbers(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("一批三条，重送一次 / a batch of three, twice")
    payloads = [hub.scene.payload(hub.scene.report()) for _ in range(3)]
    async with hub.line.stream(hub.scene.stream()) as stream:
        answers = []
        for _ in range(2):
            await stream.send(1, payloads)
            answers.append(await stream.verdict())
    trial.expect_equal("next_sequence", [4, 4], [answer.next_sequence for answer in answers])
    trial.expect_equal("outcomes", [[1, 1, 1], [2, 2, 2]], [list(answer.outcomes) for answer in answers])


@check(
    Face.HUB,
    Group.IDEMPOTENCY,
    "number-reused",
    Texts("同序号不同字节", "other bytes under a number that is used"),
    Texts("拒收，原因 SEQUENCE_REUSED", "Refused as SEQUENCE_REUSED"),
    "docs/errors.md",
)
async def _number_reused(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("序号 1 先后送两条不同消息 / two messages under number 1")
    name = hub.scene.stream()
    await hub.line.batch(name, [hub.scene.payload(hub.scene.report())], 1)
    other = hub.scene.report()
    (fate,) = await hub.line.batch(name, [hub.scene.payload(other)], 1)
    trial.expect((fate.outcome, fate.reason) == ("REFUSED", "SEQUENCE_REUSED"), "REFUSED SEQUENCE_REUSED", fate)


@check(
    Face.HUB,
    Group.IDEMPOTENCY,
    "id-reused",
    Texts("同 message_id 不同字节", "other bytes under a message_id that is used"),
    Texts("拒收，原因 MESSAGE_ID_REUSED，先到者不变", "Refused as MESSAGE_ID_REUSED; the first one stays"),
    "docs/errors.md",
)
async def _id_reused(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("同一 message_id 先后送两种内容 / two contents under one id")
    message_id, case = uuid4(), hub.scene.report()
    await hub.line.one(hub.scene.payload(case, message_id))
    other = hub.scene.report(case.case_no, 2, description=f"{DESCRIPTION} 2")
    fate = await hub.line.one(hub.scene.payload(other, message_id))
    wanted = ("REFUSED", "MESSAGE_ID_REUSED", "message_id")
    trial.expect((fate.outcome, *fate.told) == wanted, " ".join(wanted), fate)
    found = await hub.as_it_stands(case.case_no)
    trial.expect_equal("report.revision", 1, found.case.report.revision)


@check(
    Face.HUB,
    Group.IDEMPOTENCY,
    "one-effect",
    Texts("重复报送只生效一次", "repeats take effect once"),
    Texts("一条记录无论到达几次只生效一次", "A record's effect happens once, however often it arrives"),
    _RECEIPT,
)
async def _one_effect(hub: Neighbourhood, trial: Trial) -> None:
    trial.do(
        "带一条过程记录的案件报送三次，再经另一消息重复该过程记录 / a case with an action, thrice; the action again"
    )
    case, action = hub.scene.report(), hub.scene.action()
    payload = hub.scene.payload(hub.scene.case(case.case_no, report=case.report, actions=(action,)))
    for _ in range(3):
        await hub.line.one(payload)
    await hub.hand_in(hub.scene.case(case.case_no, actions=(action,)))
    found = await hub.as_it_stands(case.case_no)
    came = [item.action_id for item in found.case.actions]
    trial.expect_equal("actions", [action.action_id], came)
    assert case.report is not None  # noqa: S101 — made above
    moment = case.report.reported_time
    request = exchange.ListCasesRequest(
        region_code=hub.terms.region_code,
        reported_from_time=moment,
        reported_before_time=moment + 1,
        page=page_pb2.Page(size=100),
    )
    listed = await hub.line.peer.exchange.ListCases(request, timeout=hub.terms.patience_seconds)
    count = sum(item.key.case_no == case.case_no for item in listed.cases)
    trial.expect_equal("ListCases", 1, count)


@check(
    Face.HUB,
    Group.IDEMPOTENCY,
    "refused-again",
    Texts("被拒记录原样重送", "a refused record again, as it was"),
    Texts("答复与第一次相同", "It is answered as the first time"),
    _RECEIPT,
)
async def _refused_again(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("同序号重送一条被拒记录 / a refused record under its number again")
    payload, name = _FLAW.of(hub.scene.payload(hub.scene.report())), hub.scene.stream()
    (first,) = await hub.line.batch(name, [payload], 1)
    (again,) = await hub.line.batch(name, [payload], 1)
    trial.expect(first == again, str(first), again)
