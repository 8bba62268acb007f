"""What is in force: the highest publisher's release that has come, unless it is withdrawn, with extensions over it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.records import Violated
from exchange_db.regions import line_of, parse_region, subtree
from hub.standards.manifest import Manifest, Stage, version_key
from hub.standards.releases import effective_time_of, in_force, require_next, withdrawn_by
from tests.support.clock import NOON
from tests.support.signed_releases import STANDARD, a_manifest

NATION, PROVINCE, CITY, COUNTY = 0, 430000, 431200, 431221
KEY = ("code_list", STANDARD)


def _base(manifests: list[Manifest], moment: int = NOON, region: int = COUNTY) -> str:
    found = in_force(manifests, region, moment).get(KEY)
    return found.base.version if found and found.base else ""


def test_a_release_comes_into_force_at_its_time_and_gives_way_to_the_next() -> None:
    releases = [a_manifest(version=str(n), effective_time=NOON + n) for n in (1, 2, 3)]
    assert [_base(releases, NOON + n) for n in range(5)] == ["", "1", "2", "3", "3"]


def test_a_stage_moves_the_time_of_its_region_and_a_narrower_one_moves_it_again() -> None:
    release = a_manifest(
        effective_time=NOON, stages=(Stage("430000", NOON + 5), Stage("431200", NOON + 9), Stage("440000", NOON - 5))
    )
    times = [effective_time_of(release, region) - NOON for region in (0, 430000, 430100, 431200, 431221, 440100)]
    assert times == [0, 5, 5, 9, 9, -5]


def test_a_withdrawn_release_gives_way_to_the_one_before_it_and_is_still_told_of_the_time_before() -> None:
    old, new = a_manifest(version="1", effective_time=NOON), a_manifest(version="2", effective_time=NOON + 1)
    gone = a_manifest(version="3", supersedes="2", withdraws="2", effective_time=NOON + 5)
    releases = [old, new, gone]
    assert [_base(releases, NOON + n) for n in (0, 1, 4, 5, 9)] == ["1", "2", "2", "1", "1"]
    assert withdrawn_by(releases, new) == gone
    assert withdrawn_by(releases, old) is None
    assert _base([new, gone], NOON + 5) == ""


def test_a_lower_publisher_extends_and_does_not_replace() -> None:
    nation, city = a_manifest(), a_manifest("431200.hub", "7")
    extension = a_manifest("430000.hub", "5", is_extension=True)
    found = in_force([city, extension, nation], COUNTY, NOON)[KEY]
    assert (found.base, found.extensions, found.overruled) == (nation, (extension,), (city,))
    found = in_force([city, extension], COUNTY, NOON)[KEY]
    assert (found.base, found.extensions) == (city, (extension,))
    assert in_force([extension], COUNTY, NOON)[KEY].base is None
    assert in_force([city], 430100, NOON) == {}


_PUBLISHERS = ("000000.hub", "430000.hub", "431200.hub", "440000.hub")


@st.composite
def _histories(draw: st.DrawFn) -> list[Manifest]:
    """Some publishers' histories of one standard, versions rising, with stages and withdrawals."""
    found: list[Manifest] = []
    for publisher in draw(st.lists(st.sampled_from(_PUBLISHERS), unique=True, min_size=1)):
        own: list[Manifest] = []
        for number in range(1, draw(st.integers(1, 4)) + 1):
            changes: dict[str, Any] = {"effective_time": NOON + draw(st.integers(0, 6))}
            is_withdrawing = draw(st.booleans())
            if is_withdrawing and own:
                changes["withdraws"] = draw(st.sampled_from([one.version for one in own]))
            elif publisher != "000000.hub":
                changes["is_extension"] = draw(st.booleans())
            region = publisher[:6] if publisher != "000000.hub" else "430000"
            if draw(st.booleans()):
                changes["stages"] = (Stage(region, NOON + draw(st.integers(0, 6))),)
            supersedes = own[-1].version if own else ""
            own.append(a_manifest(publisher, str(number), supersedes=supersedes, **changes))
        found += own
    return found


@given(
    _histories(), st.randoms(use_true_random=False), st.integers(-1, 7), st.sampled_from([0, 430000, 431200, 431221])
)
def test_what_is_in_force_has_come_is_not_withdrawn_and_is_the_highest(
    releases: list[Manifest], chance: Any, later: int, region: int
) -> None:
    moment = NOON + later
    found = in_force(releases, region, moment).get(KEY)
    shuffled = releases.copy()
    chance.shuffle(shuffled)
    assert in_force(shuffled, region, moment).get(KEY) == found
    live = [one for one in releases if not one.withdraws and _stands(one, releases, region, moment)]
    if found is None:
        assert live == []
        return
    standing = [one for one in (found.base, *found.extensions, *found.overruled) if one]
    assert {one.publisher_id for one in standing} == {one.publisher_id for one in live}
    for one in standing:
        rivals = [other for other in live if other.publisher_id == one.publisher_id]
        assert one in rivals
        assert max(_order(other, region) for other in rivals) == _order(one, region)
    plain = [one for one in standing if not one.is_extension]
    assert found.base == min(plain, key=lambda one: line_of(region).index(one.publisher_region), default=None)
    assert all(one.is_extension for one in found.extensions)


def _order(manifest: Manifest, region: int) -> tuple[int, tuple[int, ...]]:
    return effective_time_of(manifest, region), version_key(manifest.version)


def _stands(one: Manifest, releases: list[Manifest], region: int, moment: int) -> bool:
    if region not in subtree(parse_region(one.publisher_id[:6])) or effective_time_of(one, region) > moment:
        return False
    return not any(
        other.withdraws == one.version
        and other.publisher_id == one.publisher_id
        and effective_time_of(other, region) <= moment
        for other in releases
    )


@given(_histories(), st.integers(-1, 7))
def test_nothing_a_lower_publisher_does_moves_a_higher_ones_base(releases: list[Manifest], later: int) -> None:
    national = [one for one in releases if one.publisher_id == "000000.hub"]
    base = _base(national, NOON + later)
    if base:
        assert _base(releases, NOON + later) == base


def test_versions_rise_and_name_the_one_before() -> None:
    require_next(a_manifest(version="1"), "")
    require_next(a_manifest(version="1.1", supersedes="1"), "1")
    for manifest, newest in (
        (a_manifest(version="2"), "1"),
        (a_manifest(version="2", supersedes="1"), ""),
        (a_manifest(version="1", supersedes="0"), "1"),
        (a_manifest(version="1.0", supersedes="1"), "1"),
    ):
        with pytest.raises(Violated) as refused:
            require_next(manifest, newest)
        assert refused.value.violation.reason == "RELEASE_OUT_OF_ORDER"
