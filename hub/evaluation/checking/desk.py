"""Where the rules of the check lay down what they find, and look up what the form says elsewhere."""

import re
from collections.abc import Sequence
from fractions import Fraction

from connectors.mapping_values import half_width
from hub.evaluation.checking.findings import Cause, CauseFound, Finding, Rule, Severity
from hub.evaluation.checking.forms import FormRow
from hub.evaluation.checking.stated import Stated, parse_stated
from hub.statistics.registry import MetricRegistry


class Desk:
    """Findings so far.

    Args:
        registry: metric definitions.
        profile: whose definitions the form follows.
        paragraphs: the running text.
    """

    def __init__(self, registry: MetricRegistry, profile: str, paragraphs: Sequence[str] = ()) -> None:
        self.registry = registry
        self.profile = profile
        self.checked_count = 0
        self.findings: list[Finding] = []
        self._text = "\n".join(half_width(one).replace(" ", "") for one in paragraphs)
        #: Counts the form gives, by their names in it, and by counter.
        self.counts: dict[str, Stated] = {}
        self.counters: dict[str, Stated] = {}
        #: Figures the form states, by their names in it.
        self.figures: dict[str, Stated] = {}

    def number(self, row: FormRow, meaning: str) -> Stated | None:
        """Returns the number in a cell; a cell with another text is noted, an empty one is not."""
        text = row.cell(meaning)
        found = parse_stated(text)
        if found is None and text.strip(" /-—无"):
            self.note(row, Rule.READABLE, text, "不是数值，未核对")
        return found

    def value_named(self, name: str) -> Fraction | None:
        """Returns the value of a count or figure by the name the form or a definition gives it."""
        counter = self.registry.counter_named(name)
        stated = self.counts.get(name) or (self.counters.get(counter.name) if counter else None)
        stated = stated or self.figures.get(name)
        return None if stated is None else stated.value

    def said_of(self, name: str) -> Stated | None:
        """Returns the percentage the running text gives a figure of that name; ``None`` when it gives none or two."""
        said = set(re.findall(rf"{re.escape(name)}[为是达到了约:]{{0,4}}([0-9]+(?:\.[0-9]+)?%)", self._text))
        return parse_stated(said.pop()) if name and len(said) == 1 else None

    def find(
        self,
        row: FormRow,
        rule: Rule,
        stated: str,
        computed: str,
        causes: Sequence[CauseFound] = (),
        severity: Severity = Severity.WRONG,
    ) -> None:
        """Lays down a finding about a row, once."""
        found = Finding(
            rule=rule,
            severity=severity,
            place=row.place,
            name=row.name,
            stated=stated,
            computed=computed,
            causes=tuple(causes),
        )
        if found not in self.findings:
            self.findings.append(found)

    def doubt(self, row: FormRow, rule: Rule, stated: str, computed: str, cause: Cause, detail: str = "") -> None:
        """Lays down something that depends on what the form does not say."""
        self.find(row, rule, stated, computed, [CauseFound(cause, detail)], Severity.DOUBTFUL)

    def note(self, row: FormRow, rule: Rule, stated: str, computed: str) -> None:
        """Lays down a remark."""
        self.find(row, rule, stated, computed, (), Severity.NOTE)
