"""Who may speak for whom, write about which region, and read what."""

import pytest

from auth.permissions import (
    is_fetched,
    is_given,
    kinds_wanted,
    narrowed,
    readable_publishers,
    require_component_region,
    require_evidence,
    require_origin,
    require_parent,
    require_party,
    require_publisher,
    require_region,
    visible_regions,
)
from auth.principal import Principal
from exchange_db.attachment_records import AttachmentKind, parse_rule
from exchange_db.records import Violated
from exchange_db.regions import Subtree, Tier
from tests.support.builders import a_principal

CITY = 431200
PLATFORM = a_principal("431221.platform")
COUNTY_HUB = a_principal("431221.hub")
CITY_HUB = a_principal("431200.hub")
PARENT = a_principal("430000.hub", relation="parent")


@pytest.mark.parametrize(
    ("sender", "origin_id", "is_allowed"),
    [
        (PLATFORM, "431221.platform", True),
        (PLATFORM, "431221.greening", False),
        (PLATFORM, "431222.platform", False),
        (COUNTY_HUB, "431221.platform", True),
        (COUNTY_HUB, "431221.hub", True),
        (COUNTY_HUB, "431222.platform", False),
        (COUNTY_HUB, "431200.hub", False),
        (PARENT, "430000.hub", True),
        (PARENT, "430200.hub", True),
        (PARENT, "000000.hub", True),
        (PARENT, "431200.hub", False),
        (PARENT, "431221.platform", False),
    ],
)
def test_a_neighbour_speaks_for_its_own_side_only(sender: Principal, origin_id: str, *, is_allowed: bool) -> None:
    if is_allowed:
        require_origin(sender, origin_id, CITY)
        return
    with pytest.raises(Violated) as refused:
        require_origin(sender, origin_id, CITY)
    assert refused.value.violation.reason == "ORIGIN_FORBIDDEN"
    assert origin_id in refused.value.violation.message


@pytest.mark.parametrize(
    ("sender", "region", "is_allowed"),
    [
        (PLATFORM, 431221, True),
        (PLATFORM, 431222, False),
        (PLATFORM, 431200, False),
        (CITY_HUB, 431221, True),
        (CITY_HUB, 431299, True),
        (CITY_HUB, 431300, False),
        (PARENT, 431221, True),
        (PARENT, 430200, False),
    ],
)
def test_a_neighbour_writes_about_its_own_regions_and_a_parent_about_ours(
    sender: Principal, region: int, *, is_allowed: bool
) -> None:
    if is_allowed:
        require_region(sender, region, "case.report.region_code", CITY)
        return
    with pytest.raises(Violated) as refused:
        require_region(sender, region, "case.report.region_code", CITY)
    assert (refused.value.violation.reason, refused.value.violation.field_path) == (
        "REGION_FORBIDDEN", "case.report.region_code",
    )  # fmt: skip


def test_a_child_sees_its_subtree_and_a_parent_all_that_is_here() -> None:
    assert visible_regions(PLATFORM, CITY) == Subtree(431221, 431221)
    assert visible_regions(CITY_HUB, 430000) == Subtree(431200, 431299)
    assert visible_regions(PARENT, CITY) == Subtree(431200, 431299)


@pytest.mark.parametrize(
    ("viewer", "asked", "expected"),
    [
        (PLATFORM, None, Subtree(431221, 431221)),
        (PLATFORM, 431200, Subtree(431221, 431221)),
        (PLATFORM, 431222, None),
        (PARENT, 431222, Subtree(431222, 431222)),
        (PARENT, 0, Subtree(431200, 431299)),
        (PARENT, 430200, None),
    ],
)
def test_a_question_is_cut_down_to_what_may_be_read(
    viewer: Principal, asked: int | None, expected: Subtree | None
) -> None:
    assert narrowed(viewer, CITY, asked) == expected


def test_a_principal_knows_its_tier() -> None:
    assert [principal.tier for principal in (PLATFORM, CITY_HUB, PARENT)] == [Tier.COUNTY, Tier.CITY, Tier.PROVINCE]


@pytest.mark.parametrize(
    ("sender", "region", "is_allowed"),
    [(PLATFORM, 431221, True), (PLATFORM, 431222, False), (CITY_HUB, 431222, True), (PARENT, 430281, True)],
)
def test_a_child_places_components_in_its_region_and_a_parent_anywhere(
    sender: Principal, region: int, *, is_allowed: bool
) -> None:
    if is_allowed:
        require_component_region(sender, region, "component.region_code", CITY)
        return
    with pytest.raises(Violated, match="REGION_FORBIDDEN"):
        require_component_region(sender, region, "component.region_code", CITY)


def test_a_platform_speaks_for_units_and_as_keeper_for_itself_alone() -> None:
    require_party(PLATFORM, "11431221006500001X")
    require_party(PLATFORM, "431221.platform")
    with pytest.raises(Violated, match="ORIGIN_FORBIDDEN"):
        require_party(PLATFORM, "431222.platform")


@pytest.mark.parametrize(
    ("publisher_id", "region", "is_allowed"),
    [
        ("000000.hub", 431221, True),
        ("430000.hub", 431200, True),
        ("431200.hub", 431200, True),
        ("431200.hub", 430000, False),
        ("440000.hub", 431200, False),
        ("431221.hub", 431221, False),
    ],
)
def test_standards_are_taken_from_the_own_line_above_the_counties(
    publisher_id: str, region: int, is_allowed: bool
) -> None:
    if is_allowed:
        require_publisher(publisher_id, region)
        return
    with pytest.raises(Violated) as refused:
        require_publisher(publisher_id, region)
    assert refused.value.violation.reason == "RELEASE_FORBIDDEN"


def test_a_child_reads_the_standards_of_its_line_and_a_parent_all() -> None:
    assert readable_publishers(PLATFORM) == (0, 430000, 431200, 431221)
    assert readable_publishers(CITY_HUB) == (0, 430000, 431200)
    assert readable_publishers(PARENT) is None


def test_only_a_hub_above_may_announce() -> None:
    require_parent(PARENT)
    for other in (PLATFORM, CITY_HUB, a_principal("430000.platform", relation="parent")):
        with pytest.raises(Violated) as refused:
            require_parent(other)
        assert refused.value.violation.reason == "ORIGIN_FORBIDDEN"


def test_evidence_is_handed_in_for_a_case_one_sees_or_is_about_to_report() -> None:
    require_evidence(PLATFORM, "431222.platform", CITY, is_visible=True)
    require_evidence(PLATFORM, "431221.platform", CITY, is_visible=False)
    with pytest.raises(Violated, match="ORIGIN_FORBIDDEN"):
        require_evidence(PLATFORM, "431222.platform", CITY, is_visible=False)


@pytest.mark.parametrize(
    ("viewer", "rules", "kinds", "is_own", "expected"),
    [
        (PLATFORM, ["child:*"], {4}, False, True),
        (PLATFORM, ["child:*"], set(), False, False),
        (PLATFORM, [], set(), True, True),
        (PLATFORM, ["431222.platform:*"], {4}, False, False),
        (PLATFORM, ["431221.platform:after"], {1, 4}, False, True),
        (PARENT, ["child:*"], {4}, False, False),
        (PARENT, ["parent:after"], {4}, False, True),
        (PARENT, ["parent:after"], {1}, False, False),
        (PARENT, ["430000.hub:video", "child:*"], {7}, False, True),
    ],
)
def test_evidence_goes_where_a_rule_gives_it(
    viewer: Principal, rules: list[str], kinds: set[int], *, is_own: bool, expected: bool
) -> None:
    assert is_given(viewer, kinds, tuple(map(parse_rule, rules)), is_own=is_own) is expected


def test_a_hub_is_asked_by_rule_and_a_platform_told_of_everything() -> None:
    rules = tuple(map(parse_rule, ["child:after", "431200.hub:check"]))
    assert kinds_wanted(CITY_HUB, rules) == {AttachmentKind.AFTER, AttachmentKind.CHECK}
    assert kinds_wanted(COUNTY_HUB, rules) == {AttachmentKind.AFTER}
    assert kinds_wanted(PARENT, rules) == set()
    assert kinds_wanted(PLATFORM, ()) == set(AttachmentKind)
    assert not is_fetched("430000.hub", "parent", AttachmentKind.AFTER, rules)


@pytest.mark.parametrize("text", ["", "child", "child:selfie", "nobody:*", "child:*:", "uncle:after"])
def test_a_rule_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_rule(text)
