"""Time limits as data: what ``4工作时``, ``种植季节15工作日`` or ``2紧急工作时围护 | 5工作日修复`` say.

Read from the tables of filing conditions and from the command line; ``hub.standards.deadlines`` counts with them.
Values are exact, never binary fractions.

Source: 1.5 of the domain notes.
"""

import re
from enum import IntEnum
from fractions import Fraction
from typing import NoReturn

from msgspec import Struct

from connectors.mapping_values import half_width
from exchange_db.records import printable

#: Largest amount, as in the contract.
MOST_VALUE = 100_000
#: Most steps of one rule, as in the contract.
MOST_STEPS = 10
#: What a step without a name of its own is called: 处置时限.
USUAL_STEP = "处置"


class RuleBroken(Exception):
    """A limit, a calendar or a request breaks a rule; says which one, what is wrong and what to do, twice."""

    def __init__(self, rule: str, chinese: str, english: str) -> None:
        super().__init__(f"{chinese} / {english}")
        self.rule = rule
        self.chinese = chinese
        self.english = english


class LimitUnit(IntEnum):
    """Units of a limit; the numbers are those of the contract and of ``Assignment.limit_unit``."""

    URGENT_HOUR = 1
    WORKING_HOUR = 2
    WORKING_DAY = 3
    URGENT_DAY = 4
    DAY = 5


UNIT_NAMES = {
    LimitUnit.URGENT_HOUR: "紧急工作时",
    LimitUnit.WORKING_HOUR: "工作时",
    LimitUnit.WORKING_DAY: "工作日",
    LimitUnit.URGENT_DAY: "紧急工作日",
    LimitUnit.DAY: "日",
}
#: Units that run only while people work; all others run day and night, holidays included.
WORKING_UNITS = frozenset((LimitUnit.WORKING_HOUR, LimitUnit.WORKING_DAY))

#: How units are written, and the part of the unit that one of them is. Minutes and plain hours are stage limits
#: (受理 15 分钟, 授权 24 小时). That they run through the night is our reading, unverified.
_SPELLINGS = {
    "紧急工作小时": (LimitUnit.URGENT_HOUR, 1),
    "紧急工作时": (LimitUnit.URGENT_HOUR, 1),
    "紧急工作日": (LimitUnit.URGENT_DAY, 1),
    "工作小时": (LimitUnit.WORKING_HOUR, 1),
    "工作时": (LimitUnit.WORKING_HOUR, 1),
    "工作日": (LimitUnit.WORKING_DAY, 1),
    "自然日": (LimitUnit.DAY, 1),
    "小时": (LimitUnit.URGENT_HOUR, 1),
    "分钟": (LimitUnit.URGENT_HOUR, 60),
    "min": (LimitUnit.URGENT_HOUR, 60),
    "日": (LimitUnit.DAY, 1),
    "天": (LimitUnit.DAY, 1),
    "h": (LimitUnit.URGENT_HOUR, 1),
}
_WORD = r"[A-Za-z\u4e00-\u9fff]"
_STEP = re.compile(
    rf"(?P<condition>{_WORD}{{0,40}}) ?(?P<value>[0-9]{{1,6}}(?:\.[0-9]{{1,3}})?) ?个? ?"
    rf"(?P<unit>{'|'.join(_SPELLINGS)})(?![A-Za-z])(?:以内|内)? ?\(?(?P<name>{_WORD}{{0,40}})\)?\Z"
)


class Limit(Struct, frozen=True):
    """An amount of time in one of the five units."""

    value: int | Fraction
    unit: LimitUnit

    def __str__(self) -> str:
        if self.unit is LimitUnit.URGENT_HOUR and self.value.denominator > 1 and 60 % self.value.denominator == 0:
            return f"{int(self.value * 60)}分钟"
        return f"{_decimal(self.value)}{UNIT_NAMES[self.unit]}"


class LimitStep(Struct, frozen=True):
    """One step of a rule: 围护 within two hours."""

    name: str
    limit: Limit


class LimitRule(Struct, frozen=True):
    """All steps of one filing condition, in their order; the last one decides about on time or late.

    ``condition`` names the season the rule is written for (种植季节). When that season is, no source says: it is
    part of a region's calendar, and unverified.
    """

    steps: tuple[LimitStep, ...]
    condition: str = ""


def parse_limit(text: str) -> LimitRule:
    """Reads a limit as tables write it; blanks around, full-width digits and 个 are forgiven.

    Steps are separated by ``|`` or ``/``.

    Raises:
        RuleBroken: ``LIMIT_UNREADABLE`` or ``LIMIT_OUT_OF_RANGE``.
    """
    parts = re.split(r"[|/]", half_width(text))
    if len(parts) > MOST_STEPS:
        _refuse("LIMIT_OUT_OF_RANGE", text, f"最多 {MOST_STEPS} 步", f"at most {MOST_STEPS} steps")
    steps: list[LimitStep] = []
    condition = ""
    for part in parts:
        match = _STEP.match(part.strip(" "))
        if match is None or (steps and match["condition"]):
            _refuse(
                "LIMIT_UNREADABLE",
                text,
                "应为数字加单位，如 4工作时、2紧急工作时、5工作日、15日、30分钟，多步用 | 分隔，条件写在最前",
                "write a number and a unit such as 4工作时 or 5工作日, steps separated by |, a condition before all",
            )
        condition = condition or match["condition"]
        steps.append(LimitStep(match["name"] or USUAL_STEP, _limit(text, match["value"], match["unit"])))
    return LimitRule(tuple(steps), condition)


def _limit(text: str, value: str, spelling: str) -> Limit:
    unit, parts = _SPELLINGS[spelling]
    amount = Fraction(value) / parts
    if not 0 < amount <= MOST_VALUE:
        _refuse(
            "LIMIT_OUT_OF_RANGE", text, f"应大于 0，不超过 {MOST_VALUE}", f"must be above 0 and at most {MOST_VALUE}"
        )
    return Limit(amount, unit)


def _refuse(rule: str, text: str, chinese: str, english: str) -> NoReturn:
    shown = printable(text[:60])
    raise RuleBroken(rule, f"时限 {shown!r}：{chinese}。", f"limit {shown!r}: {english}.")


def _decimal(value: int | Fraction) -> str:
    """Prints a value that was read with at most three decimals."""
    thousandths = value * 1000
    if thousandths.denominator > 1:
        return str(value)
    whole, rest = divmod(int(thousandths), 1000)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".")
