"""Rules about money and points: spending, targets, bands, weights, totals, grades. Pure.

Source: F13 to F17 of section 3.1 and rule 3 of section 3.3 of the domain notes.
"""

from collections.abc import Sequence
from fractions import Fraction

from hub.evaluation.checking.causes import Context, agrees, causes_of
from hub.evaluation.checking.desk import Desk
from hub.evaluation.checking.findings import Cause, CauseFound, Rule, Severity
from hub.evaluation.checking.forms import FormRow, Kind
from hub.evaluation.checking.stated import Stated, number_text, parse_stated
from hub.evaluation.points import (
    BANDS,
    GRADES,
    Direction,
    Verdict,
    execution_points,
    execution_rate,
    grade_of,
    is_met,
    quantitative_points,
)

_TOTAL_BUDGET = ("年度资金总额", "资金总额", "合计", "年度预算", "预算资金总额")
#: Words of 实际完成值, the longer ones first.
_VERDICTS: tuple[tuple[str, Verdict], ...] = (
    ("部分达成", Verdict.PARTLY),
    ("部分完成", Verdict.PARTLY),
    ("基本达成", Verdict.PARTLY),
    ("未达成", Verdict.NOT_MET),
    ("未完成", Verdict.NOT_MET),
    ("达成", Verdict.MET),
    ("完成", Verdict.MET),
)


def check_points(desk: Desk, rows: Sequence[FormRow]) -> None:
    """Applies all rules about money and points to the rows of a form; each total is about the rows before it."""
    parts: list[FormRow] = []
    for row in rows:
        if row.kind is Kind.BUDGET:
            parts.append(row)
            _check_budget(desk, row)
        elif row.kind is Kind.INDICATORS and not row.is_total:
            parts.append(row)
            _check_indicator(desk, row)
        elif row.kind is Kind.INDICATORS:
            _check_total(desk, row, parts)
            _check_budget_parts(desk, parts)
            parts = []
    _check_budget_parts(desk, parts)


def _check_budget(desk: Desk, row: FormRow) -> None:
    budget, spent = desk.number(row, "budget"), desk.number(row, "spent")
    _check_adjustment(desk, row, budget)
    if budget is None or spent is None:
        return
    rate = execution_rate(spent.value, budget.value)
    if rate is None:
        return
    stated_rate, weight, score = (desk.number(row, name) for name in ("rate", "weight", "score"))
    if stated_rate is not None:
        desk.checked_count += 1
        shown = rate * 100 if stated_rate.is_percent or stated_rate.value > 2 else rate
        if not agrees(stated_rate, shown):
            initial = desk.number(row, "initial")
            bases = {} if initial is None else {"年初预算数": initial.value}
            causes = causes_of(stated_rate, shown, Context(numerator=spent.value, bases=bases))
            desk.find(row, Rule.EXECUTION, stated_rate.text, number_text(shown), causes)
    if weight is None or score is None:
        return
    desk.checked_count += 1
    _check_within(desk, row, weight, score)
    exact = execution_points(weight.value, spent.value, budget.value)
    if exact is None or agrees(score, exact) or score.value > weight.value:
        return
    via = {} if stated_rate is None else {f"填报的执行率 {stated_rate.text}": _points_by(weight, stated_rate)}
    _find_points(desk, row, Rule.EXECUTION, (score, weight, exact), via)


def _points_by(weight: Stated, rate: Stated) -> Fraction:
    return weight.value * (rate.value / 100 if rate.is_percent or rate.value > 2 else rate.value)


def _check_adjustment(desk: Desk, row: FormRow, budget: Stated | None) -> None:
    initial, adjustment = desk.number(row, "initial"), desk.number(row, "adjustment")
    if budget is None or initial is None or adjustment is None or not adjustment.value:
        return
    desk.checked_count += 1
    if budget.value != initial.value + adjustment.value:
        told = f"年初 {initial.text} 加调整 {adjustment.text}"
        computed = number_text(initial.value + adjustment.value)
        cause = Cause.OTHER_BASE if budget.value == initial.value else Cause.GAP
        desk.doubt(row, Rule.BUDGET_ADJUSTED, budget.text, computed, cause, told)


def _check_budget_parts(desk: Desk, rows: Sequence[FormRow]) -> None:
    budgets = [row for row in rows if row.kind is Kind.BUDGET]
    total = next((row for row in budgets if row.name in _TOTAL_BUDGET), None)
    parts = [row for row in budgets if row is not total]
    if total is None or len(parts) < 2:
        return
    for meaning in ("budget", "spent"):
        whole = desk.number(total, meaning)
        values = [found.value for row in parts if (found := desk.number(row, meaning)) is not None]
        if whole is None or not values:
            continue
        desk.checked_count += 1
        added = sum(values, Fraction(0))
        if added != whole.value:
            desk.find(total, Rule.BUDGET_PARTS, whole.text, number_text(added), causes_of(whole, added, Context()))


def _check_indicator(desk: Desk, row: FormRow) -> None:
    weight, score = desk.number(row, "weight"), desk.number(row, "score")
    if weight is None or score is None:
        return
    desk.checked_count += 1
    rate = desk.number(row, "rate")
    if rate is not None and weight.value:
        exact = score.value / weight.value * 100
        if not agrees(rate, exact):
            desk.find(row, Rule.RECOMPUTED, rate.text, number_text(exact), causes_of(rate, exact, Context()))
    target, actual = _quantities(desk, row)
    if target is None or actual is None:
        _check_within(desk, row, weight, score)
        _check_band(desk, row, weight, score)
        return
    direction = Direction.LOWER if target.relation.startswith("<") else Direction.HIGHER
    _check_within(desk, row, weight, score, _uncapped(weight, target, actual, direction))
    points = quantitative_points(weight.value, target.value, actual.value, direction)
    if points is None or score.value > weight.value:
        return
    if not is_met(target.value, actual.value, direction) and agrees(score, weight.value):
        desk.find(row, Rule.TARGET, score.text, number_text(points), [CauseFound(Cause.FULL_MARKS, _against(row))])
    elif not agrees(score, points):
        _find_points(desk, row, Rule.TARGET, (score, weight, points), {})


def _uncapped(weight: Stated, target: Stated, actual: Stated, direction: Direction) -> Fraction | None:
    """Returns what the formula gives before it is cut at the weight."""
    above, below = (target, actual) if direction is Direction.LOWER else (actual, target)
    return weight.value * above.value / below.value if below.value else None


def _check_within(desk: Desk, row: FormRow, weight: Stated, score: Stated, uncapped: Fraction | None = None) -> None:
    if score.value <= weight.value:
        return
    causes = [CauseFound(Cause.OVER_WEIGHT, f"超出 {number_text(score.value - weight.value)}")]
    if uncapped is not None and agrees(score, uncapped):
        causes.append(CauseFound(Cause.NOT_CAPPED, f"公式得分 {number_text(uncapped)}"))
    desk.find(row, Rule.SCORE_WITHIN_WEIGHT, score.text, f"≤ {weight.text}", causes)


def _quantities(desk: Desk, row: FormRow) -> tuple[Stated | None, Stated | None]:
    """Returns target and actual value when both are numbers in the same unit; another unit is noted."""
    target, actual = parse_stated(row.cell("target")), parse_stated(row.cell("actual"))
    if target is None or actual is None:
        return None, None
    units = {one.unit for one in (target, actual) if one.unit and not one.is_percent}
    if target.is_percent != actual.is_percent or len(units) > 1:
        desk.note(row, Rule.READABLE, _against(row), "单位不同，未核对")
        return None, None
    return target, actual


def _against(row: FormRow) -> str:
    return f"目标 {row.cell('target')}，实际 {row.cell('actual')}"


def _check_band(desk: Desk, row: FormRow, weight: Stated, score: Stated) -> None:
    said = row.cell("actual")
    verdict = next((one for word, one in _VERDICTS if word in said), None)
    if verdict is None or not weight.value or score.value > weight.value:
        return
    band = BANDS[verdict]
    if not band.holds(score.value / weight.value):
        low, high = (number_text(share * weight.value) for share in (band.low, band.high))
        desk.find(row, Rule.BAND, f"{said} {score.text}", f"{low}–{high}")


def _find_points(
    desk: Desk, row: FormRow, rule: Rule, given: tuple[Stated, Stated, Fraction], via: dict[str, Fraction]
) -> None:
    """Lays down points that are not those of the formula, with full marks and deductions as further causes."""
    score, weight, exact = given
    causes = list(causes_of(score, exact, Context(via=via)))
    if agrees(score, weight.value) and exact < weight.value and not causes:
        causes.append(CauseFound(Cause.FULL_MARKS, f"公式得分 {number_text(exact)}"))
    reason = row.cell("reason")
    if score.value < exact and not causes:
        causes.append(CauseFound(Cause.DEDUCTED, reason or "未写明原因"))
    is_explained = bool(reason) and causes and causes[0].cause is Cause.DEDUCTED
    desk.find(row, rule, score.text, number_text(exact), causes, Severity.DOUBTFUL if is_explained else Severity.WRONG)


def _check_total(desk: Desk, total: FormRow, parts: Sequence[FormRow]) -> None:
    pairs = [(parse_stated(part.cell("weight")), parse_stated(part.cell("score"))) for part in parts]
    weights = sum((weight.value for weight, _ in pairs if weight is not None), Fraction(0))
    scores = sum((score.value for _, score in pairs if score is not None), Fraction(0))
    stated_weight, stated = desk.number(total, "weight"), desk.number(total, "score")
    desk.checked_count += 1
    if weights != 100:
        causes = causes_of(stated_weight, weights, Context()) if stated_weight is not None else ()
        desk.find(total, Rule.WEIGHTS_SUM, stated_weight.text if stated_weight else "", number_text(weights), causes)
    if stated is None:
        return
    if stated.value != scores:
        causes = causes_of(stated, scores, Context())
        desk.find(total, Rule.SCORES_SUM, stated.text, number_text(scores), causes or [CauseFound(Cause.GAP)])
    _check_grade(desk, total, scores)


def _check_grade(desk: Desk, total: FormRow, scores: Fraction) -> None:
    said = total.cell("reason").strip()
    grade = grade_of(scores)
    if said in {one.name_zh for one in GRADES} and said != grade.name_zh:
        desk.find(total, Rule.GRADE, said, grade.name_zh)
