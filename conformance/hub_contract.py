"""Checks of a hub: the contract and its limits, and every single fault of a record."""

import asyncio
import gzip
import re
from typing import Any

import grpc

from conformance.calling import refusal_of, refused
from conformance.checks import Check, Face, Group, NotApplicable, Texts, Trial, check, enter
from conformance.flaws import FLAWS, Flaw, with_new_field
from conformance.neighbourhood import Neighbourhood
from conformance.scene import SECOND, now
from connectors.case_wire import read_case
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import exchange_service_pb2_grpc as exchange_grpc
from protos.exchange.v1 import parcel_pb2
from protos.federation.v1 import federation_service_pb2 as federation
from protos.standards.v1 import standards_service_pb2 as standards

_MIB = 1024 * 1024
#: The limits of the contract.
MOST_BYTES, MOST_PARCELS = 4 * _MIB, 2_000
_CHINESE = re.compile(r"[一-鿿]")
_LATIN = re.compile(r"[A-Za-z]{3}")
_ONE_BAD = Texts(
    "不合契约的记录单独拒收，写明原因、字段和中英文说明",
    "What breaks the contract is refused alone, with reason, field and both texts",
)
_SERVICE = "protos/exchange/v1/exchange_service.proto"


def is_explained(message: str, message_zh: str) -> bool:
    """Tells whether a refusal is explained in both languages."""
    return bool(_LATIN.search(message)) and bool(_CHINESE.search(message_zh))


def _enter_flaw(flaw: Flaw) -> None:
    async def make(hub: Neighbourhood, trial: Trial) -> None:
        trial.do(f"报送一条：{flaw.title}")
        payload = flaw.of(hub.scene.payload(hub.scene.report()))
        (fate,) = await hub.line.batch(hub.scene.stream(), [payload])
        wanted = ("REFUSED", flaw.reason, flaw.field_path)
        came = (fate.outcome, fate.reason, fate.field_path)
        trial.expect(came == wanted, " ".join(filter(None, wanted)), fate)
        trial.expect(
            is_explained(fate.message, fate.message_zh),
            "中英文说明 / explained in both",
            fate.message + fate.message_zh,
        )

    enter(Check(f"{flaw.group}.{flaw.name}", Face.HUB, flaw.group, flaw.title, _ONE_BAD, flaw.source, make))


for _flaw in FLAWS:
    _enter_flaw(_flaw)


@check(
    Face.HUB,
    Group.CONTRACT,
    "hello",
    Texts("互通报名", "Hello"),
    Texts("Hello 说明标识、契约、限额和时钟", "Hello tells name, contracts, limits and clock"),
    "protos/federation/v1/federation_service.proto",
)
async def _hello(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("调用 Hello / calls Hello")
    request = federation.HelloRequest(peer_id=hub.terms.platform_id, contracts=["sanji.exchange.v1"])
    answer = await hub.line.peer.federation.Hello(request, timeout=hub.terms.patience_seconds)
    trial.expect_equal("hub_id", hub.line.target.peer_id, answer.hub_id)
    trial.expect_equal("contracts", ["sanji.exchange.v1"], list(answer.contracts))
    trial.expect_equal("max_message_bytes", MOST_BYTES, answer.max_message_bytes)
    trial.expect_equal("max_batch_parcels", MOST_PARCELS, answer.max_batch_parcels)
    ahead = abs(answer.hub_time - now()) // SECOND
    trial.expect(ahead <= 300, "时钟差不超过 300 秒 / clocks within 300 s", f"{ahead} s")


@check(
    Face.HUB,
    Group.CONTRACT,
    "whole",
    Texts("完整上报可原样读回", "a good report is taken and read back whole"),
    Texts("所报各字段原样保存，GetCase 原样给出", "Every field that was sent is kept and given back"),
    _SERVICE,
)
async def _whole(hub: Neighbourhood, trial: Trial) -> None:
    case = hub.scene.report(grid_code="43122100101", source_original="测试", found_time=now() - 7_200 * SECOND)
    await hub.take(trial, case, "报送一条完整记录 / a complete record")
    found = read_case((await hub.as_it_stands(case.case_no)).case)
    trial.expect(
        found.report == case.report,
        "GetCase = 所报 / as sent",
        "相同 / same" if found.report == case.report else found.report,
    )
    await hub.expect_state(trial, case.case_no, "reported")


@check(
    Face.HUB,
    Group.CONTRACT,
    "edges",
    Texts("恰在限额上的记录接收", "a record exactly at the limits is taken"),
    Texts(
        "4,000 字描述、64 位编号、50 条过程记录均可接收", "4,000 characters, a number of 64 and 50 actions are taken"
    ),
    "docs/limits.md",
)
async def _edges(hub: Neighbourhood, trial: Trial) -> None:
    case = hub.scene.report(hub.scene.number().ljust(64, "0"), description="长" * 4_000)
    hub.scene.case_numbers.append(case.case_no)
    sections = {"report": case.report, "actions": tuple(hub.scene.action() for _ in range(50))}
    await hub.take(trial, hub.scene.case(case.case_no, **sections), "报送各项达到上限的记录 / all at their limits")


@check(
    Face.HUB,
    Group.CONTRACT,
    "unknown-field",
    Texts("新版契约的字段不影响接收", "a field of a newer contract does no harm"),
    Texts("未知字段不得导致拒收或丢失记录", "Unknown fields must not cost the record"),
    "docs/bad-input.md",
)
async def _unknown_field(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("报送含未知字段的记录 / a record with fields unknown to this contract")
    case = hub.scene.report()
    parcel = parcel_pb2.Parcel.FromString(hub.scene.payload(case))
    with_new_field(parcel)
    with_new_field(parcel.case.report)
    fate = await hub.line.one(parcel.SerializeToString(deterministic=True))
    trial.expect((fate.outcome, fate.state) == ("DURABLE", "APPLIED"), "DURABLE APPLIED", fate)
    await hub.expect_state(trial, case.case_no, "reported")


@check(
    Face.HUB,
    Group.CONTRACT,
    "full-batch",
    Texts("一批 2,000 条接收", "a batch of 2,000 is taken"),
    Texts("每批 1 至 2,000 条，逐条答复", "1 to 2,000 parcels a batch, each answered"),
    _SERVICE,
)
async def _full_batch(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("一批报送 2,000 条，实为同一消息，只留一个测试案件 / 2,000 times one message")
    payload = hub.scene.payload(hub.scene.report())
    fates = await hub.line.batch(hub.scene.stream(), [payload] * MOST_PARCELS)
    outcomes = [fate.outcome for fate in fates]
    wanted = ["DURABLE"] + ["DUPLICATE"] * (MOST_PARCELS - 1)
    came = {name: outcomes.count(name) for name in sorted(set(outcomes))}
    trial.expect(outcomes == wanted, "1 DURABLE, 1999 DUPLICATE", came)


async def _ended(hub: Neighbourhood, *requests: exchange.PushRequest) -> str:
    """Sends messages on a new Push call and returns how the call was ended; empty when it was not."""
    call = hub.line.peer.exchange.Push()
    try:
        async with asyncio.timeout(hub.terms.patience_seconds):
            for request in requests:
                await call.write(request)
            while await call.read() is not grpc.aio.EOF:
                pass
    except grpc.aio.AioRpcError as error:
        return str(refusal_of(error))
    except asyncio.InvalidStateError:
        return str(refusal_of(_error_of(call, await call.code(), await call.details())))
    except TimeoutError:
        return ""
    finally:
        call.cancel()
    return ""


def _error_of(_call: object, code: Any, details: Any) -> grpc.aio.AioRpcError:
    metadata = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(code, metadata, metadata, details)


def _opening(hub: Neighbourhood, name: str = "") -> exchange.PushRequest:
    return exchange.PushRequest(opening=exchange.PushOpening(stream=name or hub.scene.stream()))


def _batch(count: int, first_sequence: int = 1) -> exchange.PushRequest:
    return exchange.PushRequest(batch=parcel_pb2.Batch(first_sequence=first_sequence, parcels=[b"x"] * count))


def _enter_ended(name: str, title: Texts, wanted: str, *requests: Any) -> None:
    async def make(hub: Neighbourhood, trial: Trial) -> None:
        trial.do(f"{title}")
        came = await _ended(hub, *(part(hub) if callable(part) else part for part in requests))
        trial.expect(came == wanted, wanted, came or "调用没有结束 / the call was not ended")

    requirement = Texts(
        "超出限额的调用以规定的错误码结束，不接收其中任何记录",
        "A call beyond the limits ends with its code; nothing is taken",
    )
    enter(Check(f"contract.{name}", Face.HUB, Group.CONTRACT, title, requirement, "docs/limits.md", make))


_TOO_LARGE = "INVALID_ARGUMENT BATCH_TOO_LARGE batch.parcels"
_enter_ended("batch-2001", Texts("一批 2,001 条", "a batch of 2,001"), _TOO_LARGE, _opening, _batch(2_001))
_enter_ended("batch-empty", Texts("空批次", "an empty batch"), _TOO_LARGE, _opening, _batch(0))
_enter_ended(
    "sequence-zero",
    Texts("批次序号为 0", "a batch that begins with number 0"),
    "INVALID_ARGUMENT FIELD_MISSING batch.first_sequence",
    _opening,
    _batch(1, 0),
)
_enter_ended(
    "stream-name",
    Texts("流名称不合规定", "a name that is none of a stream"),
    "INVALID_ARGUMENT STREAM_NAME_INVALID opening.stream",
    lambda hub: _opening(hub, "测试 流"),
)
_enter_ended(
    "not-opened", Texts("未打开即送批次", "a batch before the opening"), "INVALID_ARGUMENT STREAM_NOT_OPENED", _batch(1)
)


@check(
    Face.HUB,
    Group.CONTRACT,
    "message-5mib",
    Texts("超过 4 MiB 的消息拒收，服务照常", "a message beyond 4 MiB is refused, the hub goes on"),
    Texts("消息最大 4 MiB", "A message has at most 4 MiB"),
    "docs/limits.md",
)
async def _too_large(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("PushOne 5 MiB")
    target = hub.line.target
    credentials = grpc.ssl_channel_credentials(
        target.authority.read_bytes(), target.key.read_bytes(), target.certificate.read_bytes()
    )
    options = [("grpc.ssl_target_name_override", target.peer_id), ("grpc.max_send_message_length", -1)]
    async with grpc.aio.secure_channel(target.address, credentials, options=options) as channel:
        parcel = parcel_pb2.Parcel(message_id="x" * 5 * _MIB)
        request = exchange.PushOneRequest(request_id="1", parcel=parcel)
        stub = exchange_grpc.ExchangeServiceStub(channel)
        came = await refused(stub.PushOne(request, timeout=hub.terms.patience_seconds))
        trial.expect(came is not None and came.code == "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED", came)
    await hub.take(trial, hub.scene.report(), "随后报送一条 / then a good record")


@check(
    Face.HUB,
    Group.CONTRACT,
    "message-4mib",
    Texts("不到 4 MiB 的批次接收", "a batch just below 4 MiB is read"),
    Texts("消息最大 4 MiB，不得更小", "A message has 4 MiB, and no less"),
    "docs/limits.md",
)
async def _large(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("一批近 4 MiB：一条描述过长的和一条完好的 / a too long text and a good record")
    long = parcel_pb2.Parcel.FromString(hub.scene.payload(hub.scene.report()))
    long.case.report.description = "x" * (MOST_BYTES - 64 * 1024)
    good = hub.scene.payload(hub.scene.report())
    fates = await hub.line.batch(hub.scene.stream(), [long.SerializeToString(), good])
    trial.expect_equal("outcomes", ["REFUSED", "DURABLE"], [fate.outcome for fate in fates])


@check(
    Face.HUB,
    Group.CONTRACT,
    "request-id",
    Texts("request_id 与 message_id 不同", "request_id that is not the message_id"),
    Texts("request_id 必须等于 message_id", "request_id must equal message_id"),
    _SERVICE,
)
async def _request_id(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("PushOne")
    payload = hub.scene.payload(hub.scene.report())
    came = await refused(hub.line.one(payload, request_id="00000000-0000-4000-8000-000000000000"))
    wanted = "INVALID_ARGUMENT REQUEST_ID_INVALID request_id"
    trial.expect(str(came) == wanted, wanted, came)


@check(
    Face.HUB,
    Group.CONTRACT,
    "wait-limit",
    Texts("等待时间超过 30 秒", "a wait beyond 30 s"),
    Texts("wait_milliseconds 为 0 至 30,000", "wait_milliseconds is 0 to 30,000"),
    _SERVICE,
)
async def _wait_limit(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("PushOne wait_milliseconds = 30001")
    parcel = parcel_pb2.Parcel.FromString(hub.scene.payload(hub.scene.report()))
    request = exchange.PushOneRequest(request_id=parcel.message_id, parcel=parcel, wait_milliseconds=30_001)
    came = await refused(hub.line.peer.exchange.PushOne(request, timeout=hub.terms.patience_seconds))
    wanted = "INVALID_ARGUMENT ARGUMENT_INVALID wait_milliseconds"
    trial.expect(str(came) == wanted, wanted, came)


@check(
    Face.HUB,
    Group.CONTRACT,
    "unknown-case",
    Texts("查询不存在的案件", "asking for a case nobody reported"),
    Texts("以 NOT_FOUND 答复", "It is answered with NOT_FOUND"),
    _SERVICE,
)
async def _unknown_case(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("GetCase")
    came = await refused(hub.as_it_stands(hub.scene.number()))
    trial.expect(came is not None and came.code == "NOT_FOUND", "NOT_FOUND CASE_NOT_FOUND", came)


@check(
    Face.HUB,
    Group.CONTRACT,
    "standards",
    Texts("可列出标准发布", "releases of standards can be listed"),
    Texts("邻居可列出本枢纽持有的标准发布", "A neighbour can list the releases that are held"),
    "protos/standards/v1/standards_service.proto",
)
async def _standards(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("ListReleases")
    request = standards.ListReleasesRequest()
    came = await refused(hub.line.peer.standards.ListReleases(request, timeout=hub.terms.patience_seconds))
    if came is not None and came.code == "UNIMPLEMENTED":
        raise NotApplicable("不提供标准发布 / no standards are served there")
    trial.expect(came is None, "答复列表 / a list", came or "列表 / a list")


@check(
    Face.HUB,
    Group.HOSTILE,
    "bomb",
    Texts("压缩后很小、展开很大的消息", "a message that unpacks to far more"),
    Texts("不得展开超过 4 MiB 的内容，服务照常", "Nothing beyond 4 MiB is unpacked; the hub goes on"),
    "docs/limits.md",
)
async def _bomb(hub: Neighbourhood, trial: Trial) -> None:
    packed = gzip.compress(bytes(16 * _MIB))
    trial.do(f"PushOne：gzip {len(packed) // 1024} KiB，展开 16 MiB / unpacks to 16 MiB")
    target = hub.line.target
    credentials = grpc.ssl_channel_credentials(
        target.authority.read_bytes(), target.key.read_bytes(), target.certificate.read_bytes()
    )
    options = [("grpc.ssl_target_name_override", target.peer_id), ("grpc.max_send_message_length", -1)]
    async with grpc.aio.secure_channel(
        target.address, credentials, options=options, compression=grpc.Compression.Gzip
    ) as channel:
        request = exchange.PushOneRequest(request_id="\0" * 16 * _MIB)
        stub = exchange_grpc.ExchangeServiceStub(channel)
        came = await refused(stub.PushOne(request, timeout=hub.terms.patience_seconds))
    is_stopped = came is not None and came.code in {"RESOURCE_EXHAUSTED", "UNIMPLEMENTED", "INTERNAL"}
    trial.expect(is_stopped, "RESOURCE_EXHAUSTED | UNIMPLEMENTED", came)
    await hub.take(trial, hub.scene.report(), "随后报送一条 / then a good record")


@check(
    Face.HUB,
    Group.HOSTILE,
    "slow",
    Texts("沉默的连接不影响别的调用", "silent streams cost others nothing"),
    Texts("打开而不发送的流不得拖慢其他调用", "Streams that are opened and silent do not slow others"),
    "docs/limits.md",
)
async def _slow(hub: Neighbourhood, trial: Trial) -> None:
    trial.do("打开 8 个流而不发送 / opens 8 streams and is silent")
    calls = [hub.line.peer.exchange.Push() for _ in range(8)]
    try:
        for call in calls[:4]:
            await call.write(_opening(hub))
        await hub.take(trial, hub.scene.report(), "其间报送一条 / a good record meanwhile")
    finally:
        for call in calls:
            call.cancel()
