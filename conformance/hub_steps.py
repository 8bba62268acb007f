"""Checks of a hub: the life cycle of a case, its legal and its illegal steps, and who owns which section."""

from conformance.checks import Face, Group, Texts, Trial, check
from conformance.neighbourhood import Neighbourhood
from conformance.scene import DAY, HOUR, now
from exchange_db.records import (
    AssignmentState,
    Case,
    CheckState,
    Decision,
    HandlingState,
    ReportState,
    Request,
    RequestKind,
)

_LIFE = "docs/lifecycle.md"
_ILLEGAL = Texts(
    "不合流转规则的步骤不生效，进入隔离区并说明原因",
    "An illegal step has no effect and is put into quarantine with its reason",
)
_OWNER = Texts("每一部分只由其归属方填写", "A section is written by its owner only")
_FOREIGN = "999999.sanji-test"


async def _filed(hub: Neighbourhood, trial: Trial) -> str:
    case = hub.scene.report(state=ReportState.FILED)
    await hub.take(trial, case, "上报并立案 / report, filed")
    return case.case_no


async def _dispatched(hub: Neighbourhood, trial: Trial) -> str:
    number = await _filed(hub, trial)
    await hub.take(trial, _assigned(hub, number), "派遣 / dispatch")
    return number


async def _disposed(hub: Neighbourhood, trial: Trial) -> str:
    number = await _dispatched(hub, trial)
    asked = hub.scene.handling(1, HandlingState.CLOSE_REQUESTED)
    await hub.take(trial, hub.scene.case(number, handling=asked), "结案申请 / asks for the check")
    return number


def _assigned(hub: Neighbourhood, number: str, revision: int = 1, **changes: object) -> Case:
    return hub.scene.case(number, assignment=hub.scene.assignment(revision, **changes))  # type: ignore[arg-type]


def _handled(hub: Neighbourhood, number: str, revision: int, state: HandlingState, **changes: object) -> Case:
    return hub.scene.case(number, handling=hub.scene.handling(revision, state, **changes))


@check(
    Face.HUB,
    Group.STEPS,
    "seven",
    Texts("市县七步流转", "the seven steps between city and county"),
    Texts(
        "派发、接收、派至部门、核查申请、核查、结案、确认，各步生效", "Dispatch to confirmation, each step takes effect"
    ),
    _LIFE,
)
async def _seven(hub: Neighbourhood, trial: Trial) -> None:
    scene, number = hub.scene, await _dispatched(hub, trial)
    await hub.expect_state(trial, number, "disposing")
    await hub.take(trial, _handled(hub, number, 1, HandlingState.RECEIVED), "接收 / received")
    await hub.take(trial, _handled(hub, number, 2, HandlingState.DISPATCHED_ON), "派至部门 / to a department")
    await hub.take(trial, _handled(hub, number, 3, HandlingState.CLOSE_REQUESTED), "核查申请 / asks for the check")
    await hub.expect_state(trial, number, "disposed")
    await hub.take(trial, scene.case(number, verdict=scene.check(1, CheckState.CHECKING)), "派发核查 / check sent out")
    await hub.expect_state(trial, number, "checking")
    await hub.take(trial, scene.case(number, verdict=scene.check(2)), "结案 / closed")
    await hub.take(trial, _handled(hub, number, 4, HandlingState.CLOSE_CONFIRMED), "确认结案 / confirmed")
    await hub.expect_state(trial, number, "closed")


@check(
    Face.HUB,
    Group.STEPS,
    "rework",
    Texts("核查不通过，返工再结案", "a failed check, rework, and the closing"),
    Texts("核查不通过回到处置中，下一轮可结案", "A failed check leads back to the work; the next round may close"),
    _LIFE,
)
async def _rework(hub: Neighbourhood, trial: Trial) -> None:
    scene, number = hub.scene, await _disposed(hub, trial)
    await hub.take(trial, scene.case(number, verdict=scene.check(1, CheckState.FAILED)), "核查不通过 / check failed")
    await hub.expect_state(trial, number, "disposing")
    await hub.take(trial, _handled(hub, number, 2, HandlingState.CLOSE_REQUESTED, round=2), "第二轮申请 / second round")
    await hub.take(trial, scene.case(number, verdict=scene.check(2, round=2)), "结案 / closed")
    await hub.expect_state(trial, number, "closed")


@check(
    Face.HUB,
    Group.STEPS,
    "dispute",
    Texts("两次退单形成推诿，须先裁定", "two returns make a dispute, which needs a ruling"),
    Texts(
        "再次退单为推诿；无 is_ruled 不得再派", "A second return is a dispute; without is_ruled it is not dispatched"
    ),
    _LIFE,
)
async def _dispute(hub: Neighbourhood, trial: Trial) -> None:
    number = await _dispatched(hub, trial)
    await hub.take(trial, _handled(hub, number, 1, HandlingState.RETURNED), "退单 / returned")
    await hub.expect_state(trial, number, "dispatching")
    again = _assigned(hub, number, 2, dispatch_count=2, return_count=1)
    await hub.take(trial, again, "重新派遣 / dispatched again")
    await hub.take(trial, _handled(hub, number, 2, HandlingState.RETURNED), "再次退单 / returned again")
    await hub.expect_state(trial, number, "disputed")
    unruled = _assigned(hub, number, 3, dispatch_count=3, return_count=2)
    await hub.held(
        trial, unruled, "未裁定再派 / dispatched without a ruling", "RULING_MISSING", "case.assignment.is_ruled"
    )
    ruled = _assigned(hub, number, 4, dispatch_count=3, return_count=2, is_ruled=True)
    await hub.take(trial, ruled, "裁定派遣 / dispatched by a ruling")
    late = _handled(hub, number, 3, HandlingState.RETURNED)
    await hub.held(trial, late, "裁定后退单 / returned after the ruling", "RULED_ALREADY", "case.handling.state")


@check(
    Face.HUB,
    Group.STEPS,
    "suspension",
    Texts("挂账须经审批，可恢复", "a suspension needs approval, and ends"),
    Texts("挂账须两个岗位批准并有起止时间", "A suspension is approved by two posts and has begin and end"),
    _LIFE,
)
async def _suspension(hub: Neighbourhood, trial: Trial) -> None:
    number, moment = await _dispatched(hub, trial), now()
    span = {"suspended_time": moment - HOUR, "suspended_until_time": moment + 20 * DAY, "reason": "测试挂账"}
    bare = _assigned(hub, number, 2, state=AssignmentState.SUSPENDED, **span)
    await hub.held(trial, bare, "未经审批挂账 / without approval", "SUSPENSION_UNAPPROVED", "case.assignment.decision")
    decision = Decision(
        RequestKind.SUSPENSION, moment - HOUR, is_granted=True, approver_ref="值班长", second_approver_ref="分管领导"
    )
    good = _assigned(hub, number, 3, state=AssignmentState.SUSPENDED, decision=decision, **span)
    await hub.take(trial, good, "经审批挂账 / approved")
    await hub.expect_state(trial, number, "suspended")
    await hub.take(trial, _assigned(hub, number, 4), "恢复 / resumed")
    await hub.expect_state(trial, number, "disposing")


@check(
    Face.HUB,
    Group.STEPS,
    "extension",
    Texts("延期须先申请并批准", "an extension is asked for and granted"),
    Texts("extension_count 增加须附同意的审批结果", "extension_count rises with a granted decision only"),
    _LIFE,
)
async def _extension(hub: Neighbourhood, trial: Trial) -> None:
    number, moment = await _dispatched(hub, trial), now()
    later = {"extension_count": 1, "deadline_time": moment + 3 * DAY}
    path = "case.assignment.extension_count"
    await hub.held(trial, _assigned(hub, number, 2, **later), "未申请即延期 / unasked", "EXTENSION_UNASKED", path)
    request = Request(RequestKind.EXTENSION, moment - HOUR // 60, "测试延期")
    asked = _handled(hub, number, 1, HandlingState.RECEIVED, request=request)
    await hub.take(trial, asked, "申请延期 / asks for an extension")
    decision = Decision(RequestKind.EXTENSION, request.request_time, is_granted=True, approver_ref="值班长")
    await hub.take(trial, _assigned(hub, number, 3, decision=decision, **later), "同意延期 / granted")


@check(Face.HUB, Group.STEPS, "undispatched", Texts("未立案即派遣", "dispatched before it is filed"), _ILLEGAL, _LIFE)
async def _undispatched(hub: Neighbourhood, trial: Trial) -> None:
    case = hub.scene.report()
    await hub.take(trial, case, "上报 / report")
    step = _assigned(hub, case.case_no)
    await hub.held(trial, step, "派遣 / dispatch", "TRANSITION_FORBIDDEN", "case.assignment.state")
    await hub.expect_state(trial, case.case_no, "reported")


@check(
    Face.HUB,
    Group.STEPS,
    "step-back",
    Texts("立案后退回待受理", "a filed case that is only reported again"),
    _ILLEGAL,
    _LIFE,
)
async def _step_back(hub: Neighbourhood, trial: Trial) -> None:
    number = await _filed(hub, trial)
    back = hub.scene.report(number, 2, state=ReportState.REPORTED)
    await hub.held(trial, back, "退回待受理 / back to reported", "TRANSITION_FORBIDDEN", "case.report.state")
    await hub.expect_state(trial, number, "filed")


@check(
    Face.HUB,
    Group.STEPS,
    "unchecked",
    Texts("未申请核查即结案", "closed before the check was asked for"),
    _ILLEGAL,
    _LIFE,
)
async def _unchecked(hub: Neighbourhood, trial: Trial) -> None:
    number = await _dispatched(hub, trial)
    step = hub.scene.case(number, verdict=hub.scene.check())
    await hub.held(trial, step, "结案 / closed", "TRANSITION_FORBIDDEN", "case.verdict.state")
    await hub.expect_state(trial, number, "disposing")


@check(
    Face.HUB,
    Group.STEPS,
    "confirmed-early",
    Texts("未结案即确认结案", "a closing confirmed before it is"),
    _ILLEGAL,
    _LIFE,
)
async def _confirmed_early(hub: Neighbourhood, trial: Trial) -> None:
    number = await _dispatched(hub, trial)
    step = _handled(hub, number, 1, HandlingState.CLOSE_CONFIRMED)
    await hub.held(trial, step, "确认结案 / confirmed", "CONFIRMATION_EARLY", "case.handling.state")


@check(Face.HUB, Group.STEPS, "final", Texts("结案后不再变更", "a closed case stays closed"), _ILLEGAL, _LIFE)
async def _final(hub: Neighbourhood, trial: Trial) -> None:
    number = await _disposed(hub, trial)
    await hub.take(trial, hub.scene.case(number, verdict=hub.scene.check()), "结案 / closed")
    step = _assigned(hub, number, 2, state=AssignmentState.VOID, reason="测试作废")
    await hub.held(trial, step, "作废 / voided", "CASE_FINAL", "case.assignment.state")
    await hub.expect_state(trial, number, "closed")


@check(
    Face.HUB, Group.STEPS, "unreported", Texts("未上报案件的处置", "work on a case nobody reported"), _ILLEGAL, _LIFE
)
async def _unreported(hub: Neighbourhood, trial: Trial) -> None:
    step = _handled(hub, hub.scene.number(), 1, HandlingState.RECEIVED)
    await hub.held(trial, step, "处置 / work", "CASE_UNKNOWN", "case.key.case_no")


@check(Face.HUB, Group.STEPS, "void", Texts("作废须有理由", "a case is voided with a reason"), _ILLEGAL, _LIFE)
async def _void(hub: Neighbourhood, trial: Trial) -> None:
    number = await _filed(hub, trial)
    bare = _assigned(hub, number, 1, state=AssignmentState.VOID)
    await hub.held(trial, bare, "无理由作废 / voided without a reason", "FIELD_MISSING", "case.assignment.reason")
    step = _assigned(hub, number, 1, state=AssignmentState.VOID, reason="一致性检验测试数据")
    await hub.take(trial, step, "作废 / voided")
    await hub.expect_state(trial, number, "void")


@check(
    Face.HUB, Group.STEPS, "foreign-report", Texts("以他人编号上报", "a report under another's number"), _OWNER, _LIFE
)
async def _foreign_report(hub: Neighbourhood, trial: Trial) -> None:
    case = hub.scene.report()
    foreign = Case(f"{hub.terms.region_code}.sanji-test", case.case_no, report=case.report)
    await hub.held(trial, foreign, "上报 / report", "SECTION_FORBIDDEN", "case.report")


@check(
    Face.HUB,
    Group.STEPS,
    "foreign-assignment",
    Texts("非派遣方填写派遣", "an assignment by who is not the authority"),
    _OWNER,
    _LIFE,
)
async def _foreign_assignment(hub: Neighbourhood, trial: Trial) -> None:
    authority = f"{hub.terms.region_code}.sanji-test"
    case = hub.scene.report(authority_id=authority)
    await hub.take(trial, case, "上报，派遣方为他人 / report to another authority")
    await hub.held(trial, _assigned(hub, case.case_no), "派遣 / dispatch", "SECTION_FORBIDDEN", "case.assignment")
    verdict = hub.scene.case(case.case_no, verdict=hub.scene.check(1, CheckState.CHECKING))
    await hub.held(trial, verdict, "核查 / check", "SECTION_FORBIDDEN", "case.verdict")


@check(
    Face.HUB,
    Group.STEPS,
    "foreign-handling",
    Texts("非处置方填写处置", "work by who does not handle the case"),
    _OWNER,
    _LIFE,
)
async def _foreign_handling(hub: Neighbourhood, trial: Trial) -> None:
    number = await _filed(hub, trial)
    step = _handled(hub, number, 1, HandlingState.RECEIVED)
    await hub.held(trial, step, "未派遣即处置 / work before the dispatch", "SECTION_FORBIDDEN", "case.handling")


@check(
    Face.HUB, Group.STEPS, "foreign-action", Texts("以他人名义写过程记录", "an action in another's name"), _OWNER, _LIFE
)
async def _foreign_action(hub: Neighbourhood, trial: Trial) -> None:
    case = hub.scene.report()
    await hub.take(trial, case, "上报 / report")
    step = hub.scene.case(case.case_no, actions=(hub.scene.action(platform_id=_FOREIGN),))
    await hub.held(trial, step, "过程记录 / action", "SECTION_FORBIDDEN", "case.actions.platform_id")
