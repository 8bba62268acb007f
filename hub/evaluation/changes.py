"""What differs between two runs of one series: which scores, ranks and inputs, so that a revision tells its reason.

Pure. Called by ``hub.evaluation.desk`` and the command line.
"""

from collections.abc import Mapping
from typing import NamedTuple

from hub.evaluation.composite import UnitScore
from hub.evaluation.runs import Kept, KeptRun, KeptTree
from hub.evaluation.sources import exact_text
from hub.evaluation.tree import NodeScore


class Change(NamedTuple):
    """One difference. ``entry`` is a part, an entry of the list or an indicator; ``score`` and ``rank`` are the whole.

    ``before`` and ``after`` are texts, empty where there was or is none.
    """

    unit: str
    entry: str
    before: str
    after: str


def changes_of(before: Kept, after: Kept) -> tuple[Change, ...]:
    """Returns the differences, by unit in the order of the later run, then entry."""
    old, new = _told(before), _told(after)
    return tuple(
        Change(unit, entry, old.get((unit, entry), ""), new.get((unit, entry), ""))
        for unit, entry in dict.fromkeys([*new, *old])
        if old.get((unit, entry), "") != new.get((unit, entry), "")
    )


def _told(kept: Kept) -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    if isinstance(kept, KeptRun):
        for score in kept.run.scores:
            found |= _of_unit(score)
    elif isinstance(kept, KeptTree):
        for node in kept.run.scores.scores:
            found |= _of_node(node)
        found["", "score"] = kept.run.scores.display
    return found


def _of_unit(score: UnitScore) -> dict[tuple[str, str], str]:
    found = {(score.unit, "score"): score.display, (score.unit, "rank"): str(score.rank or "")}
    return found | {(score.unit, line.line_id): exact_text(line.value) for line in score.lines}


def _of_node(score: NodeScore) -> dict[tuple[str, str], str]:
    return {} if score.value is None else {("", score.node.node_id): exact_text(score.value)}
