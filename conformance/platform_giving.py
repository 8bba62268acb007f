"""Checks of a platform: what it does with what is given to it, whether it signs, and whom it believes."""

import asyncio
from datetime import UTC, datetime

from auth.certificates import issue, make_authority
from conformance.checks import Face, Group, NotTried, Texts, Trial, check
from conformance.flaws import with_new_field
from conformance.site import Site, read
from connectors.wire import read_parcel
from exchange_db.records import Case, HandlingState, Parcel, ReportState
from protos.exchange.v1 import parcel_pb2

_SERVICE = "protos/exchange/v1/exchange_service.proto"
#: How long nothing must come that is not wanted.
_QUIET_SECONDS = 1.0


def _dispatched(site: Site, count: int) -> list[bytes]:
    """Returns test cases of the authority, dispatched to the platform."""
    handler = site.hub.openings[-1].caller if site.hub.openings else ""
    if not handler:
        raise NotTried("平台尚未连接 / the platform has not connected")
    scene, payloads = site.scene, []
    for _ in range(count):
        case = scene.report(state=ReportState.FILED)
        sections = {"report": case.report, "assignment": scene.assignment(handler_id=handler)}
        payloads.append(scene.payload(scene.case(case.case_no, **sections)))
    return payloads


async def _confirmed(site: Site, trial: Trial) -> None:
    """Waits until the platform has confirmed everything that was given.

    Raises:
        NotTried: it never asked.
    """
    is_done = await confirms(site)
    if not site.hub.pulls:
        raise NotTried("平台没有领取（Pull） / it does not pull")
    trial.expect(is_done, f"确认到 {len(site.hub.due)} / confirmed", site.hub.confirmed)
    site.expect_no(trial, "cursor")


async def confirms(site: Site) -> bool:
    """Tells whether all that is due is confirmed in time; who does not say so at once is made to ask again."""
    hub = site.hub
    await site.until(lambda: hub.given >= len(hub.due))
    if await site.until(lambda: hub.confirmed >= len(hub.due), _QUIET_SECONDS):
        return True
    hub.cut_pull()
    return await site.until(lambda: hub.confirmed >= len(hub.due))


@check(
    Face.PLATFORM,
    Group.ORDERING,
    "pulled",
    Texts("领取并确认派单", "it pulls what is dispatched and confirms it"),
    Texts("落盘后以 after_sequence 或心跳确认；不超前", "It confirms what is on its disk, and nothing ahead"),
    _SERVICE,
)
async def _pulled(site: Site, trial: Trial) -> None:
    trial.do("派 3 件 / dispatches three cases")
    site.hub.give(_dispatched(site, 3))
    await _confirmed(site, trial)


@check(
    Face.PLATFORM,
    Group.ORDERING,
    "pull-cut",
    Texts("领取中断后续领", "it goes on pulling after a cut"),
    Texts("从已落盘的序号续领", "It goes on from what is on its disk"),
    _SERVICE,
)
async def _pull_cut(site: Site, trial: Trial) -> None:
    trial.do("派 2 件，给出后断开 / two cases, cut after they were given")
    site.hub.cuts_pull = True
    site.hub.give(_dispatched(site, 2))
    await _confirmed(site, trial)


@check(
    Face.PLATFORM,
    Group.DIRTY,
    "pulled",
    Texts("不识别的派单不阻塞领取", "what it cannot read does not block it"),
    Texts(
        "未知字段、未知记录种类、不可读字节均越过并继续", "Unknown fields, kinds of records and bytes are passed over"
    ),
    "docs/bad-input.md",
)
async def _dirty(site: Site, trial: Trial) -> None:
    trial.do("派 4 件：含未知字段、未知种类、乱码、完好 / unknown field, unknown kind, noise, good")
    odd, kind, good = (parcel_pb2.Parcel.FromString(payload) for payload in _dispatched(site, 3))
    with_new_field(odd.case.report)
    kind.ClearField("case")
    with_new_field(kind)
    payloads = [odd.SerializeToString(), kind.SerializeToString(), b"\xff\xfe\0" * 9, good.SerializeToString()]
    site.hub.give(payloads)
    await _confirmed(site, trial)


@check(
    Face.PLATFORM,
    Group.STEPS,
    "handles",
    Texts("接收派单并答复处置", "it answers a dispatch with its handling section"),
    Texts(
        "handling 部分由处置平台填写，第一步为接收、派发或退单",
        "It writes the handling section in its own name, beginning with a legal step",
    ),
    "docs/lifecycle.md",
)
async def _handles(site: Site, trial: Trial) -> None:
    if not site.handles:
        raise NotTried("未声明平台自动答复派单（--handles） / it was not said to answer by itself")
    trial.do("派 1 件并等候处置 / dispatches one case and waits")
    (payload,) = _dispatched(site, 1)
    sent = read_parcel(payload).record
    assert isinstance(sent, Case)  # noqa: S101 — made above
    before = len(site.hub.arrivals)
    site.hub.give([payload])

    def answers() -> list[Case]:
        parcels = [read(item.payload) for item in site.hub.arrivals[before:]]
        records = [parcel.record for parcel in parcels if isinstance(parcel, Parcel)]
        return [case for case in records if isinstance(case, Case) and case.case_no == sent.case_no and case.handling]

    await site.until(lambda: bool(answers()))
    found = answers()
    trial.expect(bool(found), "handling", "✓" if found else "没有答复 / none")
    handling = found[0].handling
    assert handling is not None  # noqa: S101 — looked for
    first = {HandlingState.RECEIVED, HandlingState.DISPATCHED_ON, HandlingState.RETURNED}
    trial.expect(handling.state in first, "RECEIVED | DISPATCHED_ON | RETURNED", handling.state.name)
    trial.expect(found[0].report is None and found[0].assignment is None, "只含 handling / that section alone", "✓")


@check(
    Face.PLATFORM,
    Group.SIGNATURES,
    "signed",
    Texts("按要求签名", "it signs as demanded"),
    Texts("要求签名时每批均有有效签名", "Where signatures are demanded each batch has one that holds"),
    "docs/security/cryptography.md",
)
async def _signed(site: Site, trial: Trial) -> None:
    if not site.hub.required:
        raise NotTried("未提供平台密钥卡（--card） / no card of its key was given")
    trial.do("核对迄今全部批次的签名 / judges the signatures so far")
    site.expect_no(trial, "signatures")


@check(
    Face.PLATFORM,
    Group.CERTIFICATES,
    "stranger",
    Texts("不与冒名枢纽通信", "it does not speak to a stranger in the hub's name"),
    Texts("枢纽证书不是所登记的，平台不得发送任何内容", "A platform sends nothing to a hub with another certificate"),
    "docs/deployment.md",
)
async def _stranger(site: Site, trial: Trial) -> None:
    trial.do("以他人机构签发的同名证书监听 / listens with a certificate of another authority in the same name")
    moment = datetime.now(UTC)
    made = issue(make_authority("一致性检验 conformance", moment), site.hub.hub_id, moment)
    async with site.doorway.disguised(made) as visits:
        await site.ask(1)
        await site.until(lambda: visits.attempts > 0)
        if not visits.attempts:
            raise NotTried("平台没有来连接 / it did not come")
        await asyncio.sleep(_QUIET_SECONDS)
        trial.expect(not visits.spoken, "未发送内容 / nothing was sent", f"{visits.spoken} 次 / times")
    trial.expect(site.doorway.is_open, "恢复服务 / serves again", "✓")
