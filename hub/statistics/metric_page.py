"""Draws ``docs/metrics.md`` from the shipped definitions: ``python -m hub.statistics.metric_page``."""

import sys

from hub.statistics.definitions import Handling, MetricDefinition, MonthRule, terms_text
from hub.statistics.registry import MetricRegistry, shipped_registry

_HEAD = """# Metrics

Drawn from the definitions in `hub/statistics/data` by `make docs`. A figure travels with its metric's id and version,
its numerator and denominator, period and cut-off; two figures may be compared only when id and version are equal.
Why one name has several definitions is told in [decision 0024](decisions/0024-metrics-and-evaluation.md); how forms
are checked against them in [evaluation.md](evaluation.md).

Numerators and denominators are weighted sums of the counters at the end. *Fed by*: **ledger**, where the hub keeps all
counters; **given**, where they come with sheets, surveys, track feeds and tables, and nothing is computed without them.
Nothing was checked against the text of a national standard, so no definition is marked as verified.

Whole profiles are told by `sanji figures indicators --region 431221 --from 202001 --to 202006 --profile zhongfang`, by
the console's page 指标 (`/figures`), and by `GetIndicators`: every metric *fed by* the ledger with numerator,
denominator, value, 环比 and 同比. On the page both parts open the cases they are made of.

A file of definitions has `form = 1`, one `[profile]` with its usual rules, its `[[metrics]]`, and `[[counters]]` of its
own if it needs any. It is released as a standard of kind `metrics` ([releases.md](releases.md)); what is wrong in it is
told with its place and what to do. An id and version never get another meaning: a definition that differs needs a
higher version.
"""


def as_markdown(registry: MetricRegistry) -> str:
    """Returns the page."""
    lines = [_HEAD]
    for profile in registry.profiles.values():
        base = f", else as `{profile.base}`" if profile.base else ""
        lines += [f"## {profile.name_zh} `{profile.profile_id}`", "", f"{profile.name_en}{base}.", ""]
        lines += [
            "| id | 中文 | English | numerator | denominator | rules | fed by | source |",
            "|---|---|---|---|---|---|---|---|",
        ]
        lines += [_metric_row(one) for one in registry.metrics.values() if one.profile == profile.profile_id]
        lines.append("")
    lines += ["## Counters", "", "| name | 中文 | English | unit | kept | other names |", "|---|---|---|---|---|---|"]
    lines += [
        f"| `{one.name}` | {one.name_zh} | {one.name_en} | {one.unit} | {'ledger' if one.is_kept else 'given'} "
        f"| {'、'.join(one.other_names)} |"
        for one in registry.counters.values()
    ]
    return "\n".join(lines) + "\n"


def _metric_row(one: MetricDefinition) -> str:
    filters = [
        f"{part} {dimension}: {', '.join(values)}"
        for part, given in (("only", one.filters), ("numerator only", one.numerator_filters))
        for dimension, values in given.items()
    ]
    rules = [
        f"v{one.version}",
        one.cohort.value,
        str(one.rounding),
        one.unit.value,
        *(f"{name} {rule.value}" for name, rule in (("suspended", one.suspended), ("void", one.void))
          if rule is not Handling.NOT_SAID),
        *([one.anchor.value] if one.anchor else []),
        *([one.month_rule.value] if one.month_rule is not MonthRule.HALF_OPEN else []),
        *filters,
        *(["less is better"] if one.is_lower_better else []),
    ]  # fmt: skip
    names = "、".join((one.name_zh, *one.other_names))
    source = "；".join(filter(None, (one.source, one.clause, one.note)))
    parts = f"`{terms_text(one.numerator)}` | `{terms_text(one.denominator)}`"
    fed = "ledger" if one.is_kept else "given"
    return f"| `{one.metric_id}` | {names} | {one.name_en} | {parts} | {'; '.join(rules)} | {fed} | {source} |"


if __name__ == "__main__":
    sys.stdout.write(as_markdown(shipped_registry()))
