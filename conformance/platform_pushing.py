"""Checks of a platform: what it sends, and how it goes on after a cut, a refusal, or a slow answer.

The kit serves as its hub; somebody, or a command, has the platform report test records when a check asks for them.
"""

import asyncio

from conformance.checks import Face, Group, NotApplicable, NotTried, Texts, Trial, check
from conformance.scene import SECOND, now
from conformance.site import Site, read
from conformance.stand_in import WINDOW, Plan
from exchange_db.records import Case, Parcel
from exchange_db.regions import region_of, subtree

_PUSHING = "docs/pushing.md"
_SERVICE = "protos/exchange/v1/exchange_service.proto"
_PARCEL = "protos/exchange/v1/parcel.proto"
#: How long answers are withheld.
_HELD_SECONDS = 1.0


@check(
    Face.PLATFORM,
    Group.CONTRACT,
    "connects",
    Texts("以 TLS 1.3 双向认证连接并打开流", "it connects by mutual TLS 1.3 and opens a stream"),
    Texts("平台以自己的证书连接，流名合规", "A platform connects with its own certificate and names a stream"),
    _PUSHING,
)
async def _connects(site: Site, trial: Trial) -> None:
    await site.arrived(trial, 1)
    opening = site.hub.openings[-1]
    trial.expect_equal("TLS", "TLSv1.3", opening.tls)
    trial.expect(bool(opening.caller), "证书写明平台标识 / the certificate names a platform", opening.caller)
    site.expect_no(trial, "opening")


@check(
    Face.PLATFORM,
    Group.CONTRACT,
    "readable",
    Texts("所报记录合乎契约", "what it reports keeps the contract"),
    Texts(
        "必填项、枚举、长度、坐标系、时间均合规；来源为本平台",
        "Fields, values, lengths, systems and times fit; the origin is its own",
    ),
    _PARCEL,
)
async def _readable(site: Site, trial: Trial) -> None:
    came = await site.arrived(trial, 3)
    for item in came:
        parcel = read(item.payload)
        trial.expect(isinstance(parcel, Parcel), "可读 / readable", "✓" if isinstance(parcel, Parcel) else parcel)
        assert isinstance(parcel, Parcel)  # noqa: S101 — expected above
        trial.expect(_may_say(item.caller, parcel.origin_id), f"origin_id ⊆ {item.caller}", parcel.origin_id)
        ahead = (parcel.created_time - now()) // SECOND
        trial.expect(ahead <= 300, "created_time ≤ +300 s", f"{ahead} s")


def _may_say(caller: str, origin_id: str) -> bool:
    """Whether a neighbour may bring records of an origin: its own, and for a hub those of its region."""
    if caller.endswith(".platform"):
        return origin_id == caller
    return region_of(origin_id) in subtree(region_of(caller))


@check(
    Face.PLATFORM,
    Group.CONTRACT,
    "sizes",
    Texts("批次在限额之内", "batches keep the limits"),
    Texts(
        "每批 1 至 2,000 条，序号自 1 起无缺口；request_id 等于 message_id", "1 to 2,000 parcels, numbers without gap"
    ),
    "docs/limits.md",
)
async def _sizes(site: Site, trial: Trial) -> None:
    await site.arrived(trial, 2)
    site.expect_no(trial, "sizes", "numbers", "request-id")


@check(
    Face.PLATFORM,
    Group.IDEMPOTENCY,
    "answer-lost",
    Texts("答复丢失后续传", "going on after a lost answer"),
    Texts(
        "按期望序号续传；重送则同序号同字节",
        "It goes on from the number expected; what it repeats is byte for byte the same",
    ),
    _SERVICE,
)
async def _answer_lost(site: Site, trial: Trial) -> None:
    trial.do("收下一批后断开，不答复 / takes a batch and cuts before the answer")
    cuts = site.hub.cut_count
    await site.arrived(trial, 1, Plan.LOSE_ANSWER)
    trial.expect(site.hub.cut_count > cuts, "断开一次 / one cut", site.hub.cut_count - cuts)
    await site.arrived(trial, 1)
    site.expect_no(trial, "bytes", "numbers")


@check(
    Face.PLATFORM,
    Group.IDEMPOTENCY,
    "message-ids",
    Texts("一条消息一个标识", "one id a message"),
    Texts("同一 message_id 永远是同一内容", "A message_id stands for the same bytes for ever"),
    _PARCEL,
)
async def _message_ids(site: Site, trial: Trial) -> None:
    trial.do("比较迄今收到的全部消息 / compares all that came so far")
    if not site.hub.arrivals:
        raise NotTried("没有收到消息 / nothing came")
    found: dict[str, set[bytes]] = {}
    for item in site.hub.arrivals:
        parcel = read(item.payload)
        if isinstance(parcel, Parcel):
            found.setdefault(parcel.message_id.hex(), set()).add(item.payload)
    twice = [message_id for message_id, payloads in found.items() if len(payloads) > 1]
    trial.expect(not twice, "无重用 / none reused", twice or "✓")


@check(
    Face.PLATFORM,
    Group.ORDERING,
    "batch-lost",
    Texts("批次丢失后重送", "sending a lost batch again"),
    Texts("未收下的记录须原样重送，一条不少", "What was not taken is sent again as it was, all of it"),
    _SERVICE,
)
async def _batch_lost(site: Site, trial: Trial) -> None:
    trial.do("不收一批即断开 / cuts without taking a batch")
    before = len(site.hub.lost)
    await site.arrived(trial, 1, Plan.LOSE_BATCH)
    await _expect_again(site, trial, before)


@check(
    Face.PLATFORM,
    Group.ORDERING,
    "out-of-order",
    Texts("答复 OUT_OF_ORDER 后从期望序号重送", "going back to the number expected"),
    Texts("收到 OUT_OF_ORDER 须从 next_sequence 重送", "After OUT_OF_ORDER it sends again from next_sequence"),
    "protos/exchange/v1/receipt.proto",
)
async def _out_of_order(site: Site, trial: Trial) -> None:
    trial.do("以 OUT_OF_ORDER 答复一批 / answers a batch with OUT_OF_ORDER")
    before = len(site.hub.lost)
    (first, *_) = await site.arrived(trial, 1, Plan.OUT_OF_ORDER)
    if first.stream == "one":
        site.hub.plan = Plan.ANSWER
        raise NotApplicable("平台逐条报送（PushOne），没有序号 / it pushes singly, without numbers")
    await _expect_again(site, trial, before)


async def _expect_again(site: Site, trial: Trial, before: int) -> None:
    lost = site.hub.lost[before:]
    trial.expect(bool(lost), "有一批丢失 / a batch was lost", len(lost))

    def is_back() -> bool:
        taken = {payload for payloads in site.hub.taken.values() for payload in payloads}
        return taken.issuperset(lost)

    is_whole = await site.until(is_back)
    trial.expect(is_whole, f"{len(lost)} 条原样再来 / come again", "✓" if is_whole else "没有 / not all of them")
    site.expect_no(trial, "bytes", "numbers")


@check(
    Face.PLATFORM,
    Group.ORDERING,
    "revisions",
    Texts("同一案件的修订号只升不降", "revisions of a case only rise"),
    Texts("同一部分的修订号逐次升高", "Each revision of a section is higher than the one before"),
    "docs/lifecycle.md",
)
async def _revisions(site: Site, trial: Trial) -> None:
    trial.do("比较迄今收下的全部记录 / compares all that was taken so far")
    last: dict[tuple[str, ...], int] = {}
    fallen = []
    for payload in dict.fromkeys(payload for payloads in site.hub.taken.values() for payload in payloads):
        parcel = read(payload)
        if not isinstance(parcel, Parcel) or not isinstance(parcel.record, Case):
            continue
        case = parcel.record
        for name in ("report", "assignment", "handling", "verdict"):
            section = getattr(case, name)
            if section is None:
                continue
            key = (case.issuer_id, case.case_no, name)
            if section.revision < last.get(key, 0):
                fallen.append(f"{case.case_no} {name} {last[key]} → {section.revision}")
            last[key] = max(section.revision, last.get(key, 0))
    if not last:
        raise NotTried("没有收到案件 / no case came")
    trial.expect(not fallen, "不降 / none falls", fallen[:3] or "✓")


@check(
    Face.PLATFORM,
    Group.RECEIPTS,
    "refused",
    Texts("一条被拒后继续报送", "it goes on behind a refused record"),
    Texts(
        "被拒的序号已用；其后照常报送，不原样重送被拒记录",
        "The number is used up: it goes on, and does not repeat what was refused",
    ),
    "protos/exchange/v1/receipt.proto",
)
async def _refused(site: Site, trial: Trial) -> None:
    trial.do("拒收一条 / refuses one record")
    await site.arrived(trial, 1, Plan.REFUSE_FIRST)
    trial.expect(bool(site.hub.refused), "拒收 1 条 / one refused", len(site.hub.refused))
    before = len(site.hub.arrivals)
    await site.arrived(trial, 1)
    again = [item for item in site.hub.arrivals[before:] if item.payload in site.hub.refused]
    trial.expect(not again, "不再原样送来 / not repeated", f"{len(again)} 次 / times")
    site.expect_no(trial, "numbers", "bytes")


@check(
    Face.PLATFORM,
    Group.RECEIPTS,
    "quarantined",
    Texts("一条入隔离区后继续报送", "it goes on behind a quarantined record"),
    Texts("业务回执不影响后续报送", "A business receipt does not stop what follows"),
    "protos/exchange/v1/receipt.proto",
)
async def _quarantined(site: Site, trial: Trial) -> None:
    trial.do("业务回执 QUARANTINED / a business receipt")
    await site.arrived(trial, 1, Plan.QUARANTINE_FIRST)
    await site.arrived(trial, 1)
    site.expect_no(trial, "numbers", "bytes")


@check(
    Face.PLATFORM,
    Group.RECEIPTS,
    "receipts-after",
    Texts("回执位置不超前", "it asks for receipts from where it stands"),
    Texts("receipts_after 不大于已告知的序号", "receipts_after is not ahead of what was told"),
    _SERVICE,
)
async def _receipts_after(site: Site, trial: Trial) -> None:
    trial.do("比较各次打开 / compares all openings")
    asked = [opening for opening in site.hub.openings if opening.wants_receipts]
    if not asked:
        raise NotApplicable("平台不要业务回执 / it wants no business receipts")
    ahead = [item for item in asked if item.receipts_after > site.hub.receipts_told[item.stream]]
    trial.expect(not ahead, "不超前 / none ahead", [item.receipts_after for item in ahead] or "✓")


@check(
    Face.PLATFORM,
    Group.RECEIPTS,
    "waiting",
    Texts("枢纽答复迟时等待", "it waits for a hub that is slow to answer"),
    Texts("未答复的批次不超过 8 个；不断开、不丢失", "At most 8 batches wait for their answer; nothing is lost"),
    _SERVICE,
)
async def _waiting(site: Site, trial: Trial) -> None:
    trial.do(f"{_HELD_SECONDS:.0f} 秒不答复 / withholds answers")
    site.hub.free.clear()
    try:
        before = len(site.hub.arrivals)
        await site.ask(20)
        batches = site.hub.batch_count
        came = await site.until(lambda: site.hub.batch_count > batches or site.hub.most_unanswered > 0)
        trial.expect(came, "有批次到来 / batches come", came)
        await asyncio.sleep(_HELD_SECONDS)
    finally:
        site.hub.free.set()
    trial.expect(site.hub.most_unanswered <= WINDOW, f"≤ {WINDOW}", site.hub.most_unanswered)
    is_whole = await site.until(lambda: len(site.hub.arrivals) >= before + 20)
    trial.expect(is_whole, "20 条到齐 / all come", len(site.hub.arrivals) - before)
