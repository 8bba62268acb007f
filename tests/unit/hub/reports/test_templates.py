"""The shipped templates: drawn from the code, filled without a gap, and an authority's own win over them."""

import io
from pathlib import Path

import pytest
from docx import Document

from hub.reports.content import LETTERS, ReportKind
from hub.reports.default_templates import shipped
from hub.reports.sampling import sample, tried
from hub.reports.shelf import FOLDER, TemplateBroken, template_of


def test_the_templates_are_those_the_code_draws() -> None:
    drawn = shipped()
    assert drawn.keys() == {f"{kind}.docx" for kind in ReportKind} == {path.name for path in FOLDER.iterdir()}
    for name, content in drawn.items():
        assert (FOLDER / name).read_bytes() == content, f"{name}: run python -m hub.reports.default_templates"


@pytest.mark.parametrize("kind", list(ReportKind))
def test_a_shipped_template_is_filled_without_a_gap(kind: ReportKind) -> None:
    document = Document(io.BytesIO(tried(kind, template_of(kind, None))))
    texts = [paragraph.text for paragraph in document.paragraphs]
    texts += [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    whole = "\n".join(texts)
    assert "{" not in whole
    assert "示例标题" in whole
    assert ("示例单位：" in whole) is (kind in LETTERS)
    assert document.core_properties.title == sample(kind).heading.title


def test_an_authoritys_own_template_wins_and_is_named_where_it_is_broken(tmp_path: Path) -> None:
    own = Document()
    own.add_paragraph("{{ report.title }}，{{ now.total }}件")
    own.save(str(tmp_path / "monthly.docx"))
    found = template_of(ReportKind.MONTHLY, tmp_path)
    assert found.is_own
    assert not template_of(ReportKind.YEARLY, tmp_path).is_own
    assert Document(io.BytesIO(tried(ReportKind.MONTHLY, found))).paragraphs[0].text == "示例标题，7件"
    (tmp_path / "weekly.docx").write_bytes(b"not a document")
    with pytest.raises(TemplateBroken, match=r"weekly\.docx"):
        tried(ReportKind.WEEKLY, template_of(ReportKind.WEEKLY, tmp_path))
