"""What people may do: the compiled table against a slow reading of the same data, and every tier, region and action."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.permissions import (
    conflicts,
    may,
    narrowed_grants,
    require,
    require_compatible,
    require_place,
    shared,
    unless_whole,
    visible,
)
from auth.person import Grant, Role
from auth.roles import CONFLICTS, INSPECTING, READING, RIGHTS, TIERS, Action, Kind
from exchange_db.records import Violated
from exchange_db.regions import Subtree, Tier, format_region, parse_region, subtree, tier_of
from tests.support.people import a_person

_EVERYTHING = tuple(itertools.product(Action, Kind))
#: A region of each tier with a sibling, its parent and a child.
_FAMILIES = {
    Tier.NATION: (0, None, None, 430000),
    Tier.PROVINCE: (430000, 440000, 0, 431200),
    Tier.CITY: (431200, 431300, 430000, 431221),
    Tier.COUNTY: (431221, 431222, 431200, None),
}
_SEGMENTS = ((0, 2), (2, 4), (4, 6))


def _is_below(region: int, of: int) -> bool:
    """Compares codes segment by segment, as people do: province, city, county."""
    here, there = format_region(region), format_region(of)
    given_segments = [(start, end) for start, end in _SEGMENTS if int(there[start:]) != 0]
    return all(here[start:end] == there[start:end] for start, end in given_segments)


def _slowly(grants: tuple[Grant, ...], action: Action, kind: Kind, region: int) -> bool:
    """Reads the table grant by grant; knows nothing of ranges, merging or compiling."""
    for one, other in itertools.combinations(grants, 2):
        if frozenset({one.role, other.role}) in CONFLICTS:
            return False
    return any(
        action in RIGHTS[grant.role].get(kind, frozenset())
        and tier_of(grant.region) in TIERS.get((action, kind), frozenset(Tier))
        and _is_below(region, grant.region)
        for grant in grants
    )


_provinces = st.sampled_from([0, 11, 33, 43, 44, 99])
_pairs = st.sampled_from([0, 1, 2, 12, 13, 99])
_regions = st.builds(lambda p, c, x: p * 10_000 + c * 100 + x, _provinces, _pairs, _pairs)
_grants = st.lists(st.builds(Grant, st.sampled_from(Role), _regions), max_size=6).map(tuple)


@given(grants=_grants, action=st.sampled_from(Action), kind=st.sampled_from(Kind), region=_regions)
def test_the_compiled_table_decides_as_the_slow_reading(
    grants: tuple[Grant, ...], action: Action, kind: Kind, region: int
) -> None:
    person = a_person(*((grant.role, grant.region) for grant in grants))
    expected = _slowly(grants, action, kind, region)
    assert may(person, action, kind, region) is expected
    assert any(region in span for span in visible(person, action, kind)) is expected


@given(grants=_grants, action=st.sampled_from(Action), kind=st.sampled_from(Kind), asked=_regions, region=_regions)
def test_ranges_for_the_sql_are_apart_and_cut_to_what_is_asked(
    grants: tuple[Grant, ...], action: Action, kind: Kind, asked: int, region: int
) -> None:
    person = a_person(*((grant.role, grant.region) for grant in grants))
    spans = visible(person, action, kind)
    assert all(one.last < other.first for one, other in itertools.pairwise(spans))
    cut = shared(spans, subtree(asked))
    expected = may(person, action, kind, region) and _is_below(region, asked)
    assert any(region in span for span in cut) is expected


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("tier", Tier)
def test_a_role_reaches_its_region_and_below_and_neither_beside_nor_above(tier: Tier, role: Role) -> None:
    own, sibling, parent, child = _FAMILIES[tier]
    person = a_person((role, own))
    for action, kind in _EVERYTHING:
        is_theirs = _slowly(person.grants, action, kind, own)
        assert may(person, action, kind, own) is is_theirs
        assert child is None or may(person, action, kind, child) is is_theirs
        assert sibling is None or not may(person, action, kind, sibling)
        assert parent is None or not may(person, action, kind, parent)


def test_regions_are_compared_by_segments_of_the_code() -> None:
    person = a_person((Role.VIEWER, 330100))
    assert may(person, Action.READ, Kind.CASE, 330109)
    assert not may(person, Action.READ, Kind.CASE, 33010), "the first digits of a code are no code"
    assert not may(person, Action.READ, Kind.CASE, 330200)
    assert not may(a_person((Role.VIEWER, 33010)), Action.READ, Kind.CASE, 330109)
    assert not may(person, Action.READ, Kind.CASE, True)
    assert not may(person, Action.READ, Kind.CASE, "330109")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["33010", "３３０１０９", "330109 ", " 330109", "3301 9", "+33010", "33010９", "330_09"]
)
def test_what_only_looks_like_a_region_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="six digits"):
        parse_region(text)
    assert parse_region("330109") == 330109


def test_a_security_officer_reads_no_case_and_nothing_like_one() -> None:
    officer = a_person((Role.SECURITY_OFFICER, 0))
    for action, kind in itertools.product(Action, (Kind.CASE, Kind.COMPONENT, Kind.QUARANTINE, Kind.PERSONAL_DATA)):
        assert not may(officer, action, kind, 431221)
    assert not may(officer, Action.READ, Kind.AUDIT, 431221)
    assert may(officer, Action.GRANT, Kind.PERSON, 431221)


def test_an_auditor_changes_nothing() -> None:
    auditor = a_person((Role.AUDITOR, 0))
    for action, kind in _EVERYTHING:
        assert not may(auditor, action, kind, 431221) or action in READING
    assert may(auditor, Action.EXPORT, Kind.AUDIT, 431221)


def test_who_grants_rights_has_no_use_of_them_and_who_uses_them_cannot_grant() -> None:
    granting = {role for role in Role if Action.GRANT in RIGHTS[role].get(Kind.PERSON, frozenset())}
    reading_the_audit = {role for role in Role if Action.READ in RIGHTS[role].get(Kind.AUDIT, frozenset())}
    assert granting == {Role.SECURITY_OFFICER}
    assert reading_the_audit == {Role.AUDITOR}


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(Role, 2)))
def test_roles_that_exclude_each_other_are_refused_together(one: Role, other: Role) -> None:
    grants = (Grant(one, 431200), Grant(other, 431300))
    together = a_person((one, 431200), (other, 431300))
    if frozenset({one, other}) not in CONFLICTS:
        require_compatible(grants)
        assert not conflicts((one, other))
        assert may(together, Action.LIST, Kind.CASE, 431221)
        return
    with pytest.raises(Violated) as refused:
        require_compatible(grants)
    assert refused.value.violation.reason == "ROLES_CONFLICT"
    assert one in refused.value.violation.message
    assert other in refused.value.violation.message_zh
    assert not any(may(together, action, kind, 431221) for action, kind in _EVERYTHING), "holding both gives nothing"


def test_the_three_administrators_exclude_each_other() -> None:
    three = (Role.OPERATOR, Role.SECURITY_OFFICER, Role.AUDITOR)
    assert len(conflicts(three)) == 3


def test_a_county_publishes_no_standard_and_a_province_unmasks_nobody() -> None:
    publisher = a_person((Role.STANDARDS_PUBLISHER, 431221))
    assert not may(publisher, Action.PUBLISH, Kind.STANDARD, 431221)
    assert may(a_person((Role.STANDARDS_PUBLISHER, 431200)), Action.PUBLISH, Kind.STANDARD, 431200)
    assert not may(a_person((Role.OPERATOR, 430000)), Action.UNMASK, Kind.PERSONAL_DATA, 431221)
    assert may(a_person((Role.OPERATOR, 431200)), Action.UNMASK, Kind.PERSONAL_DATA, 431221)


def test_a_refusal_says_what_is_missing_and_to_nobody_that_they_must_sign_on() -> None:
    person = a_person((Role.VIEWER, 431200))
    require(person, Action.READ, Kind.CASE, 431221)
    with pytest.raises(Violated) as refused:
        require(person, Action.REPLAY, Kind.QUARANTINE, 431221)
    assert refused.value.violation.reason == "RIGHT_MISSING"
    assert "重放隔离区 431221 (replay quarantine)" in refused.value.violation.message_zh
    with pytest.raises(Violated) as refused:
        require(None, Action.READ, Kind.CASE, 431221)
    assert refused.value.violation.reason == "SIGN_ON_REQUIRED"
    assert visible(None, Action.READ, Kind.CASE) == ()


def test_a_page_is_shown_to_whom_it_concerns_somewhere() -> None:
    person = a_person((Role.VIEWER, 431221), (Role.OPERATOR, 431300))
    assert require_place(person, Action.LIST, Kind.CASE, 431200) == (Subtree(431221, 431221), Subtree(431300, 431399))
    assert require_place(person, Action.REPLAY, Kind.QUARANTINE, 431200) == (Subtree(431300, 431399),)
    with pytest.raises(Violated, match="RIGHT_MISSING"):
        require_place(person, Action.LIST, Kind.AUDIT, 431200)


def test_what_belongs_to_the_hub_as_a_whole_is_for_those_above_all_of_it() -> None:
    for region, is_let_in in ((431200, True), (430000, True), (431221, False), (431300, False)):
        person = a_person((Role.VIEWER, region))
        if is_let_in:
            assert require_place(person, Action.LIST, Kind.JOB, 431200) == (subtree(region),)
            assert unless_whole(visible(person, Action.LIST, Kind.CASE), 431200) is None
            continue
        with pytest.raises(Violated, match="RIGHT_MISSING"):
            require_place(person, Action.LIST, Kind.JOB, 431200)
        assert unless_whole(visible(person, Action.LIST, Kind.CASE), 431200) == (subtree(region),)


@pytest.mark.parametrize(
    ("held", "platform_region", "hub_region", "left"),
    [
        ((Role.OPERATOR, 431200), 431200, 431200, (Role.OPERATOR, 431200)),
        ((Role.OPERATOR, 430000), 431221, 431200, (Role.OPERATOR, 431221)),
        ((Role.OPERATOR, 431222), 431221, 431200, None),
        ((Role.OPERATOR, 431200), 430000, 431200, (Role.VIEWER, 431200)),
        ((Role.AUDITOR, 0), 0, 431200, (Role.AUDITOR, 431200)),
        ((Role.SECURITY_OFFICER, 431200), 430000, 431200, None),
        ((Role.VIEWER, 430000), 431200, 430000, (Role.VIEWER, 431200)),
        ((Role.VIEWER, 440000), 0, 430000, None),
    ],
)
def test_rights_are_what_person_platform_and_hub_have_in_common(
    held: tuple[Role, int], platform_region: int, hub_region: int, left: tuple[Role, int] | None
) -> None:
    expected = () if left is None else (Grant(*left),)
    assert narrowed_grants((Grant(*held),), platform_region, hub_region) == expected


@given(grants=_grants, platform=_regions, hub=_regions, region=_regions)
def test_coming_through_a_platform_never_widens_rights(
    grants: tuple[Grant, ...], platform: int, hub: int, region: int
) -> None:
    # Roles that exclude each other give nothing, so a narrowing may give back what the pair took; one grant at a time.
    for grant in grants:
        before, after = a_person((grant.role, grant.region)), narrowed_grants((grant,), platform, hub)
        person = a_person(*((left.role, left.region) for left in after))
        for kind in (Kind.CASE, Kind.AUDIT, Kind.PERSON, Kind.STANDARD):
            for action in READING:
                if may(person, action, kind, region):
                    assert may(before, action, kind, region)
                    assert _is_below(region, platform)
                    assert _is_below(region, hub)


def test_an_inspector_never_gets_more_than_they_had() -> None:
    for role, left in INSPECTING.items():
        for kind, actions in RIGHTS[left].items():
            assert actions <= READING
            if kind in {Kind.CASE, Kind.COMPONENT, Kind.FIGURE, Kind.STANDARD}:
                assert actions <= READING | RIGHTS[role].get(kind, frozenset())
