"""What counts as a change of a partner's table, and which changes stop it."""

import pytest

from exchange_db.intermediate.columns import ColumnFacts
from exchange_db.intermediate.drift import ChangeKind, compare, fingerprint, kept, read_kept

NUMBER = ColumnFacts("case_id", "integer", is_nullable=False)
TEXT = ColumnFacts("address", "varchar", 100)
USES = {"case_id": "case_no", "address": "report.address"}


def _all(*columns: ColumnFacts) -> dict[str, ColumnFacts]:
    return {column.name: column for column in columns}


BEFORE = _all(NUMBER, TEXT)


def test_columns_are_kept_and_read_again() -> None:
    assert read_kept(kept(BEFORE)) == BEFORE


def test_the_order_of_columns_does_not_matter() -> None:
    assert fingerprint(BEFORE) == fingerprint(_all(TEXT, NUMBER))
    assert compare("t", BEFORE, _all(TEXT, NUMBER), USES) == []


def _changed(**changes: object) -> ColumnFacts:
    return ColumnFacts(**{name: getattr(TEXT, name) for name in TEXT.__struct_fields__} | changes)


@pytest.mark.parametrize(
    ("now", "kind", "is_breaking"),
    [
        (_changed(length=50), ChangeKind.NARROWED, True),
        (_changed(length=200), ChangeKind.WIDENED, False),
        (_changed(length=0), ChangeKind.WIDENED, False),
        (_changed(type="longtext", length=4_294_967_295), ChangeKind.WIDENED, False),
        (_changed(type="tinytext", length=60), ChangeKind.RETYPED, True),
        (_changed(type="integer", length=0), ChangeKind.RETYPED, True),
        (_changed(encoding="gbk"), ChangeKind.RETYPED, True),
        (_changed(is_nullable=False), ChangeKind.REQUIRED, False),
    ],
)
def test_a_change_of_a_column_is_told_by_its_kind(now: ColumnFacts, kind: ChangeKind, is_breaking: bool) -> None:
    (change,) = compare("t", BEFORE, _all(NUMBER, now), USES)
    assert (change.column, change.kind, change.is_breaking, change.use) == (
        "address",
        kind,
        is_breaking,
        "report.address",
    )
    assert fingerprint(BEFORE) != fingerprint(_all(NUMBER, now))


def test_a_column_that_went_is_named_with_its_use() -> None:
    (change,) = compare("t_case", BEFORE, _all(NUMBER), USES)
    assert (change.kind, change.is_breaking) == (ChangeKind.DROPPED, True)
    assert change.told == "t_case.address（用于 report.address）：已删除 / dropped"


def test_a_column_of_the_same_form_under_another_name_may_be_it() -> None:
    changes = compare("t", BEFORE, _all(NUMBER, ColumnFacts("addr", "varchar", 100)), USES)
    assert [(change.column, change.kind, change.now) for change in changes] == [
        ("address", ChangeKind.RENAMED, "addr"),
        ("addr", ChangeKind.ADDED, ""),
    ]


def test_what_the_link_does_not_use_stops_nothing() -> None:
    changes = compare("t", BEFORE, {}, {})
    assert [change.is_breaking for change in changes] == [False, False]


def test_a_table_that_is_written_stops_at_a_column_that_must_be_filled() -> None:
    now = _all(NUMBER, TEXT, ColumnFacts("sheet", "integer", is_nullable=False, is_left_out_well=False))
    assert not compare("t", BEFORE, now, USES)[0].is_breaking
    assert compare("t", BEFORE, now, USES, written=USES)[0].is_breaking
    required = _all(NUMBER, _changed(is_nullable=False))
    assert compare("t", BEFORE, required, USES, written=USES)[0].is_breaking
