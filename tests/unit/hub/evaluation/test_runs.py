"""Score runs: the same inputs give the same run, everything that matters changes its id, and kept runs are repeated."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.evaluation.composite import RunInputs, UnitInput
from hub.evaluation.runs import is_reproduced, read_run, run_scores, write_run
from hub.evaluation.schemes import CompositeScheme, Veto
from hub.evaluation.shipped import shipped_schemes

_SHIPPED = shipped_schemes()["zhongfang.monthly"]
assert isinstance(_SHIPPED, CompositeScheme)
SCHEME = _SHIPPED
_UNITS = st.lists(
    st.builds(
        UnitInput,
        unit=st.from_regex(r"[a-z]{1,6}", fullmatch=True),
        case_count=st.integers(0, 9),
        parts=st.fixed_dictionaries(
            {name: st.fractions(0, 100, max_denominator=64) for name in ("digital", "inspection", "supervision")}
        ),
        events=st.dictionaries(st.sampled_from(["praise", "loss"]), st.integers(0, 9)),
    ),
    max_size=6,
    unique_by=lambda one: one.unit,
)


@given(_UNITS)
def test_a_kept_run_can_be_read_and_repeated(units: list[UnitInput]) -> None:
    run = run_scores(SCHEME, RunInputs(month=202003, units=tuple(units)))
    again = read_run(write_run(run))
    assert again == run
    assert is_reproduced(again)
    assert write_run(again) == write_run(run)


def test_a_run_whose_scores_were_changed_is_found_out() -> None:
    parts = {name: Fraction(50) for name in ("digital", "inspection", "supervision")}
    run = run_scores(SCHEME, RunInputs(month=202003, units=(UnitInput(unit="a", case_count=1, parts=parts),)))
    assert is_reproduced(run)
    changed = replace(run, scores=(replace(run.scores[0], score=Fraction(51), display="51.00"),))
    assert not is_reproduced(changed)
    assert not is_reproduced(replace(run, code_version="sanji-scores/0"))


def test_whatever_matters_changes_the_id() -> None:
    inputs = RunInputs(month=202003, units=())
    ids = {
        run_scores(scheme, given).run_id
        for scheme, given in (
            (SCHEME, inputs),
            (replace(SCHEME, veto=Veto.LAST), inputs),
            (replace(SCHEME, version=2), inputs),
            (SCHEME, replace(inputs, month=202004)),
        )
    }
    assert len(ids) == 4
