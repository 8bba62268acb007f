"""A score run as it stands in a result sheet (考评结果). Pure."""

from fractions import Fraction

from hub.evaluation.composite import Standing, UnitScore
from hub.evaluation.runs import Run, ScoreRun, TreeRun
from hub.reports.content import Indicator, Ranking, Score, Tree
from hub.reports.naming import Names
from hub.statistics.rounding import USUAL

_STANDINGS = {
    Standing.RANKED: "",
    Standing.NO_CASES: "本月无案件，不参与排名",
    Standing.NO_GROUP: "未分组，不参与排名",
    Standing.NOT_RANKED: "不排名",
}
_DIGITS = 12


def result_of(run: Run, names: Names) -> Ranking | Tree:
    """Returns what the result sheet of a run says."""
    return ranking_of(run, names) if isinstance(run, ScoreRun) else tree_of(run)


def tree_of(run: TreeRun) -> Tree:
    """Returns a run of a tree with its indicators, in the order of the scheme."""
    scores, rounding = run.scores, run.scheme.rounding
    name_of = {node.node_id: node.name_zh for node in run.scheme.nodes}
    return Tree(
        run_id=run.run_id,
        scheme=run.scheme.name_zh,
        scheme_version=run.scheme.version,
        indicators=tuple(
            Indicator(
                name=one.node.name_zh,
                depth=one.depth,
                weight="" if one.node.weight is None else _digits(one.node.weight),
                value="" if one.value is None else _digits(one.value),
                points="" if one.points is None else rounding.text(one.points),
            )
            for one in scores.scores
        ),
        score=scores.display,
        grade=scores.grade.name_zh if scores.grade else "",
        missing=tuple(name_of[node_id] for node_id in scores.missing),
    )


def ranking_of(run: ScoreRun, names: Names) -> Ranking:
    """Returns a run with its scores, by group and rank as the run has them."""
    parts = {one.part_id for one in run.scheme.parts}
    return Ranking(
        run_id=run.run_id,
        scheme=run.scheme.name_zh,
        scheme_version=run.scheme.version,
        scores=tuple(_score(one, parts, names) for one in run.scores),
    )


def _score(one: UnitScore, parts: set[str], names: Names) -> Score:
    return Score(
        unit=names.of("unit", one.unit),
        group=one.group,
        parts=tuple(
            (line.name_zh, _digits(line.value), _digits(line.weight), USUAL.text(line.points))
            for line in one.lines
            if line.line_id in parts
        ),
        list_points=_digits(one.list_points),
        score=one.display,
        is_vetoed=one.is_vetoed,
        standing=_STANDINGS[one.standing],
        rank=one.rank,
    )


def _digits(value: Fraction) -> str:
    """Returns a value with as many decimals as it takes for its sum to round the same."""
    text = f"{float(value):.{_DIGITS}f}".rstrip("0").rstrip(".")
    return text or "0"
