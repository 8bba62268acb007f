"""What the check of a self-evaluation finds: the rule, what is stated, what comes out, and why, probably. Pure."""

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """``wrong`` contradicts its own parts; ``doubtful`` depends on what the form does not say; ``note`` is a remark."""

    WRONG = "wrong"
    DOUBTFUL = "doubtful"
    NOTE = "note"


class Rule(StrEnum):
    """Rules of the check. Source: sections 3.1 and 3.3 of the domain notes."""

    RECOMPUTED = "recomputed"
    TEXT_EQUALS_TABLE = "text_equals_table"
    EXECUTION = "execution"
    TARGET = "target"
    BAND = "band"
    SCORE_WITHIN_WEIGHT = "score_within_weight"
    WEIGHTS_SUM = "weights_sum"
    SCORES_SUM = "scores_sum"
    GRADE = "grade"
    BUDGET_PARTS = "budget_parts"
    BUDGET_ADJUSTED = "budget_adjusted"
    ORDER_OF_COUNTS = "order_of_counts"
    ONE_BASE = "one_base"
    SOURCES_SUM = "sources_sum"
    SHARES_SUM = "shares_sum"
    WHOLE_SOLUTION = "whole_solution"
    WHOLE_COUNTS = "whole_counts"
    ONE_ROUNDING = "one_rounding"
    ONE_NAME = "one_name"
    READABLE = "readable"
    LEDGER = "ledger"


class Cause(StrEnum):
    """Likely causes of a disagreement."""

    TRUNCATED = "truncated"
    OTHER_ROUNDING = "other_rounding"
    ROUNDED_INTERMEDIATE = "rounded_intermediate"
    MIXED_ROUNDING = "mixed_rounding"
    OTHER_BASE = "other_base"
    UNKNOWN_BASE = "unknown_base"
    OTHER_OBJECT = "other_object"
    MOVED_POINT = "moved_point"
    NO_PERCENT = "no_percent"
    MISPRINT = "misprint"
    COPIED = "copied"
    OVER_WEIGHT = "over_weight"
    FULL_MARKS = "full_marks"
    DEDUCTED = "deducted"
    NOT_CAPPED = "not_capped"
    TWO_BASES = "two_bases"
    NO_WHOLE_SOLUTION = "no_whole_solution"
    GAP = "gap"
    OTHER_PERIOD = "other_period"


#: The rules in the words of who fills in forms.
RULE_NAMES: dict[Rule, str] = {
    Rule.RECOMPUTED: "重新计算",
    Rule.TEXT_EQUALS_TABLE: "正文与表格一致",
    Rule.EXECUTION: "执行率得分",
    Rule.TARGET: "指标得分",
    Rule.BAND: "定性指标区间",
    Rule.SCORE_WITHIN_WEIGHT: "得分不超过分值",
    Rule.WEIGHTS_SUM: "分值合计 100",
    Rule.SCORES_SUM: "得分合计",
    Rule.GRADE: "评价等级",
    Rule.BUDGET_PARTS: "资金分项合计",
    Rule.BUDGET_ADJUSTED: "预算调整",
    Rule.ORDER_OF_COUNTS: "数量先后关系",
    Rule.ONE_BASE: "同一分母",
    Rule.SOURCES_SUM: "来源合计",
    Rule.SHARES_SUM: "占比合计",
    Rule.WHOLE_SOLUTION: "整数可解",
    Rule.WHOLE_COUNTS: "件数为整数",
    Rule.ONE_ROUNDING: "统一进位",
    Rule.ONE_NAME: "名称统一",
    Rule.READABLE: "可以核对",
    Rule.LEDGER: "与台账一致",
}

CAUSE_NAMES: dict[Cause, str] = {
    Cause.TRUNCATED: "直接舍去尾数",
    Cause.OTHER_ROUNDING: "进位方式不同",
    Cause.ROUNDED_INTERMEDIATE: "由已进位的中间结果计算",
    Cause.MIXED_ROUNDING: "同一文件进位不一",
    Cause.OTHER_BASE: "分母不同",
    Cause.UNKNOWN_BASE: "分母未写明",
    Cause.OTHER_OBJECT: "统计对象不同",
    Cause.MOVED_POINT: "小数点错位",
    Cause.NO_PERCENT: "百分数与小数混用",
    Cause.MISPRINT: "笔误",
    Cause.COPIED: "与另一行相同，疑为误抄",
    Cause.OVER_WEIGHT: "得分超过分值",
    Cause.FULL_MARKS: "未按公式计分，给了满分",
    Cause.DEDUCTED: "另行扣分",
    Cause.NOT_CAPPED: "超过分值部分未封顶",
    Cause.TWO_BASES: "两个指标的分母不同",
    Cause.NO_WHOLE_SOLUTION: "在该分母上没有整数解",
    Cause.GAP: "差额未说明",
    Cause.OTHER_PERIOD: "统计期间不同",
}


class CauseFound(Struct, frozen=True):
    """A likely cause, and what shows it, in Chinese."""

    cause: Cause
    detail: str = ""


class Finding(Struct, frozen=True, kw_only=True):
    """One disagreement or remark. ``place`` is table and row; the likeliest cause stands first."""

    rule: Rule
    severity: Severity
    place: str
    name: str
    stated: str
    computed: str
    causes: tuple[CauseFound, ...] = ()

    @property
    def cause(self) -> Cause | None:
        """The likeliest cause."""
        return self.causes[0].cause if self.causes else None


class Report(Struct, frozen=True, kw_only=True):
    """What a check found. ``checked_count`` figures were recomputed; those that agree are not listed."""

    profile: str
    checked_count: int
    findings: tuple[Finding, ...]

    @property
    def has_disagreements(self) -> bool:
        """Whether anything is wrong or doubtful."""
        return any(one.severity is not Severity.NOTE for one in self.findings)
