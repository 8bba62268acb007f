"""The page about components tells of every field a mapping can fill, and its example is one."""

import re
from pathlib import Path

from connectors.component_ids import FORMS
from connectors.mapping import map_row
from connectors.mapping_file import read_mapping
from connectors.mapping_model import COMPONENT_FIELDS
from connectors.sheets import SheetRow
from tests.rules.test_mapping_page import _ROW, told_of
from tests.support.sources import ROOT

_PAGE = (ROOT / "docs" / "components.md").read_text(encoding="utf-8")


def test_the_page_tells_of_every_field_and_of_no_other() -> None:
    found = _ROW.findall(_PAGE.partition("## Import")[2].partition("\n#")[0])
    assert [row[:4] for row in found] == [told_of(field) for field in COMPONENT_FIELDS.values()]
    assert all(row[4].strip() for row in found)


def test_the_page_names_every_scheme_with_its_form() -> None:
    for scheme, form in FORMS.items():
        row = re.search(rf"\| `{re.escape(scheme)}` \|([^|]*)\|([^|]*)\|", _PAGE)
        assert row is not None
        assert form is None or re.sub(r"[^0-9+]", "", row[1]) == str(form).partition(" ")[0]


def test_the_example_of_the_page_maps_a_row(tmp_path: Path) -> None:
    example = re.search(r"^```toml\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
    assert example is not None
    (tmp_path / "components.toml").write_text(example[1], encoding="utf-8")
    columns = ["ObjID", "类别", "ObjName", "ObjState", "BGID", "X", "Y", "DeptCode2", "DeptName2", "ORDate"]
    cells = [
        "4312210102000001.0",
        "污水井盖",
        "井",
        "完好",
        "431221100001001",
        "109.9",
        "27.4",
        "ps01",
        "排水",
        "20200102",
    ]
    mapped = map_row(read_mapping(tmp_path / "components.toml"), SheetRow(2, dict(zip(columns, cells, strict=True))))
    assert mapped.component is not None, mapped.violation
    assert (mapped.component.component_id, mapped.component.owner_id) == ("4312210102000001", "431221.platform")
    assert mapped.case is None
