"""Rules of alerts, as data: what is shipped, and what a hub's people changed about it.

A rule watches one measure of all subjects that have it. It is raised when the value has been at ``raise_at`` or beyond
for ``raise_seconds`` and cleared when it has been back behind ``clear_at`` for ``clear_seconds``; between the two it
stays as it is. Where ``raise_at`` is below ``clear_at``, small values are the bad ones. No source gives the numbers.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from exchange_db.alert_records import Severity
from exchange_db.records import Violated

_SHIPPED = Path(__file__).parent / "data" / "rules.toml"
_Seconds = Annotated[int, Meta(ge=0, le=7 * 86_400)]
_Text = Annotated[str, Meta(min_length=1, max_length=200)]
_MOST = 1_000_000_000.0
#: What people may change about a rule.
CHANGEABLE = ("is_on", "severity", "raise_at", "clear_at", "raise_seconds", "clear_seconds")


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule.

    Args:
        name: known by, for example ``link.down``; what stands before the point is the kind of its subjects.
        measure: the value it watches.
        raise_at, clear_at: thresholds, in the unit of the measure.
        raise_seconds, clear_seconds: for how long.
        severity: how much it asks of people.
        is_on: whether it is looked at.
        title, title_en: what is wrong, in a few words.
        text, text_en: the same as a sentence, with ``{subject}``, ``{value}`` and ``{detail}``.
        unit, unit_en: unit of the value, for people.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z]+\.[a-z_]+$")]
    measure: str
    raise_at: float
    clear_at: float
    raise_seconds: _Seconds
    clear_seconds: _Seconds
    severity: Severity
    title: _Text
    title_en: _Text
    text: _Text
    text_en: _Text
    unit: str = ""
    unit_en: str = ""
    is_on: bool = True

    @property
    def kind(self) -> str:
        """What the rule is about: link, job, certificate and so on."""
        return self.name.partition(".")[0]

    @property
    def is_low_bad(self) -> bool:
        """Whether small values are the bad ones."""
        return self.raise_at < self.clear_at

    def is_raised_by(self, value: float) -> bool:
        """Tells whether a value is at the raising threshold or beyond."""
        return value <= self.raise_at if self.is_low_bad else value >= self.raise_at

    def is_cleared_by(self, value: float) -> bool:
        """Tells whether a value is back behind the clearing threshold."""
        return value >= self.clear_at if self.is_low_bad else value < self.clear_at


class _File(Struct, forbid_unknown_fields=True):
    rule: list[Rule]


@cache
def shipped_rules() -> Mapping[str, Rule]:
    """Returns the rules that come with the hub, by name, in the order of the file."""
    read = msgspec.convert(tomllib.loads(_SHIPPED.read_text(encoding="utf-8")), _File)
    return {rule.name: rule for rule in read.rule}


def changed(rule: Rule, changes: Mapping[str, Any]) -> Rule:
    """Returns a rule with changes of people.

    Raises:
        Violated: ALERT_RULE_INVALID, names what does not fit.
    """
    for name in changes:
        if name not in CHANGEABLE:
            raise Violated("ALERT_RULE_INVALID", name, name)
    try:
        made = msgspec.convert(msgspec.to_builtins(replace(rule, **changes)), Rule)
    except (msgspec.ValidationError, TypeError) as error:
        raise Violated("ALERT_RULE_INVALID", "rule", error) from None
    for name in ("raise_at", "clear_at"):
        # Also refuses what is no number, which compares with nothing.
        if not -_MOST <= getattr(made, name) <= _MOST:
            raise Violated("ALERT_RULE_INVALID", name, getattr(made, name))
    if made.is_low_bad != rule.is_low_bad:
        raise Violated("ALERT_RULE_INVALID", "clear_at", f"raise_at {made.raise_at:g}, clear_at {made.clear_at:g}")
    return made


def rules_in_force(changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Rule]:
    """Returns the shipped rules with a hub's changes, by name; a change that no longer fits is left out."""
    found = {}
    for name, rule in shipped_rules().items():
        try:
            found[name] = changed(rule, changes.get(name, {}))
        except Violated:
            found[name] = rule
    return found
