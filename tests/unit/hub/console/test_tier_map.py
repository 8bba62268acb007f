"""The map of the tiers as geometry: what is above above, what is many folded, what is bad never left out."""

import pytest

from exchange_db.link_states import LinkHealth
from hub.console.standing import Standing, worst_of
from hub.console.tier_map import BOX_HEIGHT, BOX_WIDTH, MOST_BOXES, MOST_SINGLE, TierMap, tier_map, way_to

NATION, PROVINCE, CITY = 0, 430000, 431200


def a_standing(
    peer_id: str, mood: LinkHealth = LinkHealth.GOOD, relation: str = "child", **changed: object
) -> Standing:
    region = int(peer_id[:6])
    one = Standing(peer_id, f"平台{peer_id[:6]}", region, relation, mood, "", None, 0, 0, 300)
    return one._replace(**changed)  # type: ignore[arg-type]


def _is_sound(picture: TierMap) -> bool:
    """Tells whether everything is inside and nothing lies on anything else."""
    corners = [(picture.hub_x, picture.hub_y), *((box.x, box.y) for box in picture.boxes)]
    is_inside = all(0 <= x <= picture.width - BOX_WIDTH and 0 <= y <= picture.height - BOX_HEIGHT for x, y in corners)
    apart = all(
        abs(one[0] - other[0]) >= BOX_WIDTH or abs(one[1] - other[1]) >= BOX_HEIGHT
        for number, one in enumerate(corners)
        for other in corners[:number]
    )
    return is_inside and apart


def test_what_is_above_is_drawn_above_and_what_is_below_below() -> None:
    below = [a_standing(f"4312{number}.platform") for number in (21, 22, 23)]
    picture = tier_map([a_standing("430000.hub", LinkHealth.DOWN, "parent"), *below], CITY)
    parent, *children = picture.boxes
    assert parent.y < picture.hub_y < children[0].y == children[1].y
    assert [box.standing for box in children] == below
    assert picture.trunk[0] < picture.hub_y < picture.trunk[1]
    assert _is_sound(picture)


@pytest.mark.parametrize("count", [0, 1, 6, 7, MOST_SINGLE])
def test_a_few_are_drawn_one_by_one(count: int) -> None:
    picture = tier_map([a_standing(f"43{number + 10}00.hub") for number in range(count)], PROVINCE)
    assert len(picture.boxes) == count
    assert all(box.standing is not None for box in picture.boxes)
    assert _is_sound(picture)


def test_three_thousand_are_folded_by_province_then_city_then_county() -> None:
    everyone = [
        a_standing(
            f"{province:02d}{city:02d}{county:02d}.platform", LinkHealth.DOWN if county == 9 else LinkHealth.GOOD
        )
        for province in range(11, 41)
        for city in range(1, 11)
        for county in range(1, 11)
    ]
    provinces = tier_map(everyone, NATION)
    assert [box.link_count for box in provinces.boxes] == [100] * 30
    assert {box.mood for box in provinces.boxes} == {LinkHealth.DOWN}
    assert [(part.mood, part.link_count) for part in provinces.boxes[0].parts] == [
        (LinkHealth.DOWN, 10),
        (LinkHealth.GOOD, 90),
    ]
    assert sum(part.width for part in provinces.boxes[0].parts) <= BOX_WIDTH
    cities = tier_map(everyone, 110000)
    assert [box.region for box in cities.boxes] == [110100 + 100 * number for number in range(10)]
    counties = tier_map(everyone, 110100)
    assert [box.standing.peer_id for box in counties.boxes if box.standing][:2] == [
        "110101.platform",
        "110102.platform",
    ]
    assert all(_is_sound(picture) for picture in (provinces, cities, counties))


def test_a_fold_bears_the_name_of_the_hub_of_its_region_and_who_stands_in_the_middle_stays_single() -> None:
    everyone = [a_standing(f"4301{number:02d}.platform") for number in range(1, 30)]
    hub, own = a_standing("430100.hub", name="长沙市枢纽"), a_standing("430000.platform")
    picture = tier_map([*everyone, hub, own], PROVINCE)
    assert [(box.name, box.link_count) for box in picture.boxes] == [(own.name, 1), ("长沙市枢纽", 30)]


def test_of_too_many_the_worst_are_drawn() -> None:
    everyone = [
        a_standing(f"431221.p{number}", LinkHealth.DOWN if number > 95 else LinkHealth.GOOD) for number in range(100)
    ]
    picture = tier_map(everyone, 431221)
    assert len(picture.boxes) == MOST_BOXES
    assert picture.left_out_count == 100 - MOST_BOXES
    assert sum(box.mood is LinkHealth.DOWN for box in picture.boxes) == 4
    assert _is_sound(picture)


def test_the_way_down_and_the_worst_of_many() -> None:
    assert way_to(431221, NATION) == [0, 430000, 431200, 431221]
    assert way_to(431200, CITY) == [431200]
    assert worst_of([LinkHealth.GOOD, LinkHealth.SLOW, LinkHealth.PAUSED]) is LinkHealth.SLOW
