"""The printable sheet: every component on it, to scale, readable as XML, and nothing from outside acts."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.records import ComponentState
from hub.components.map_sheet import MOST_SIGNS, Outline, SheetEmpty, SheetText, draw_sheet
from tests.support.builders import a_component

SVG = "{http://www.w3.org/2000/svg}"
TEXT = SheetText("怀化市部件分布图", "区划 431221", "2026-11-21")


def _drawn(*components: object, outlines: list[Outline] | None = None, text: SheetText = TEXT) -> ET.Element:
    return ET.fromstring(draw_sheet(list(components), outlines or [], text))  # type: ignore[arg-type]


def _signs(sheet: ET.Element) -> list[ET.Element]:
    group = sheet.find(f"{SVG}g")
    assert group is not None
    return group.findall(f"{SVG}circle")


def test_every_component_has_a_sign_with_its_name_and_code() -> None:
    lamp = a_component(2, component_id="4312210137000002", class_code="0137", name="路灯", x=109.95)
    sheet = _drawn(a_component(1), lamp, a_component(3, state=ComponentState.LOST, y=27.45))
    told = [sign.findtext(f"{SVG}title") for sign in _signs(sheet)]
    assert told == ["污水井盖 4312210102000001 完好", "路灯 4312210137000002 完好", "污水井盖 4312210102000003 丢失"]
    texts = " ".join(text.text or "" for text in sheet.iter(f"{SVG}text"))
    for wanted in (
        "怀化市部件分布图",
        "共 3 个部件",
        "0102 污水井盖 × 2",
        "0137 路灯 × 1",
        "非完好 × 1",
        "北",
        "CGCS2000",
    ):
        assert wanted in texts


def test_distances_on_paper_are_those_of_the_scale_that_is_printed() -> None:
    sheet = _drawn(a_component(1, x=109.9, y=27.4), a_component(2, x=109.9, y=27.42))
    scale = next(text.text for text in sheet.iter(f"{SVG}text") if (text.text or "").startswith("1:"))
    first, second = (float(sign.get("cy", "")) for sign in _signs(sheet))
    metres = (first - second) / 1_000 * int((scale or "")[2:].replace(",", ""))
    assert metres == pytest.approx(0.02 * 111_319.49, rel=0.001)


@given(
    points=st.lists(st.tuples(st.floats(108, 112), st.floats(25, 30)), min_size=1, max_size=20),
    word=st.text(max_size=30),
)
def test_every_sign_lies_inside_the_frame_and_any_text_is_harmless(
    points: list[tuple[float, float]], word: str
) -> None:
    name = (word or "井")[:60]
    components = [a_component(n, x=x, y=y, name=name) for n, (x, y) in enumerate(points)]
    sheet = _drawn(*components, text=SheetText(word, word, word))
    for sign in _signs(sheet):
        assert 12 <= float(sign.get("cx", "")) <= 328
        assert 24 <= float(sign.get("cy", "")) <= 274
    assert not list(sheet.iter(f"{SVG}script"))


def test_grids_are_drawn_and_named() -> None:
    ring = ((109.94, 27.43), (109.95, 27.43), (109.95, 27.45), (109.94, 27.45), (109.94, 27.43))
    sheet = _drawn(a_component(), outlines=[Outline("431221100001001", (ring,))])
    group = sheet.find(f"{SVG}g")
    assert group is not None
    assert [text.text for text in group.iter(f"{SVG}text")] == ["431221100001001"]
    assert re.match(r"M-?[\d.]+ -?[\d.]+L.*Z$", group.findall(f"{SVG}path")[0].get("d", ""))


def test_nothing_and_too_much_are_told() -> None:
    with pytest.raises(SheetEmpty, match="没有可绘制的部件"):
        draw_sheet([], [], TEXT)
    with pytest.raises(SheetEmpty, match="部件过多"):
        draw_sheet([a_component()] * (MOST_SIGNS + 1), [], TEXT)
