"""Templates: what is in them is filled in, nothing in them acts, and what is broken is named with its place."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from docx import Document
from lxml import etree
from openpyxl import load_workbook

from hub.reports.filling import filled
from hub.reports.plots import Plot
from hub.reports.shelf import MAX_BYTES, TemplateBroken

PLOT = Plot("各区域情况", ("中方县", "沅陵县"), (("解决率", (0.5, None)), ("及时率", (0.25, 1.0))), is_rate=True)


def _template(*paragraphs: str, table: tuple[str, ...] = (), header: str = "") -> bytes:
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    if table:
        rows = document.add_table(rows=len(table), cols=1).rows
        for row, text in zip(rows, table, strict=True):
            row.cells[0].text = text
    document.sections[0].header.paragraphs[0].text = header
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _filled(
    content: bytes, values: Mapping[str, Any] | None = None, plots: Mapping[str, Plot | None] | None = None
) -> Any:
    return Document(io.BytesIO(filled("月报.docx", content, values or {}, plots or {}, "宋体")))


def _texts(document: Any) -> list[str]:
    return [paragraph.text for paragraph in document.paragraphs if paragraph.text]


def test_values_loops_and_headers_are_filled_and_nothing_of_a_value_is_markup() -> None:
    hostile = "<w:p/>&amp; {{ 7*7 }} “引号”"
    content = _template(
        "{{ title }}", "{%p if no %}", "没有", "{%p endif %}",
        table=("{%tr for line in lines %}", "{{ line.name }}", "{%tr endfor %}"), header="{{ title }}",
    )  # fmt: skip
    document = _filled(content, {"title": hostile, "no": False, "lines": [{"name": "甲"}, {"name": "乙"}]})
    assert _texts(document) == [hostile]
    assert [row.cells[0].text for row in document.tables[0].rows] == ["甲", "乙"]
    assert document.sections[0].header.paragraphs[0].text == hostile


def test_a_chart_is_native_with_its_numbers_in_a_workbook_beside_it() -> None:
    document = _filled(_template("{{p charts.regions }}"), plots={"regions": PLOT, "none": None})
    parts = {str(part.partname): part for part in document.part.package.iter_parts()}
    chart = etree.fromstring(parts["/word/charts/chart1.xml"].blob)
    names = {"c": "http://schemas.openxmlformats.org/drawingml/2006/chart"}
    assert chart.xpath("//c:val//c:v/text()", namespaces=names) == ["0.5", "0.25", "1"]
    assert chart.xpath("(//c:cat)[1]//c:v/text()", namespaces=names) == ["中方县", "沅陵县"]
    assert chart.xpath("//c:externalData", namespaces=names)
    sheet = load_workbook(io.BytesIO(parts["/word/embeddings/chart1.xlsx"].blob)).active
    assert sheet is not None
    assert list(sheet.values)[1:] == [("中方县", 0.5, 0.25), ("沅陵县", None, 1)]


@pytest.mark.parametrize(
    "tag",
    [
        "{{ title.__class__ }}",
        "{{ title.__class__.__mro__[1].__subclasses__() }}",
        "{{ numeral.__globals__ }}",
        "{{ ''.join.__self__.__class__ }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
        "{% import 'x' as y %}",
        "{{ '甲' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%099999999d' % 1 }}",
        "{{ lines.append(1) }}",
        "{% for a in range(9) %}{% endfor %}",
        "{{ namespace(a=1) }}",
        "{{ dict(a=1) }}",
    ],
)
def test_nothing_in_a_template_acts(tag: str) -> None:
    values = {"title": "甲", "numeral": lambda: "一", "lines": []}
    with pytest.raises(TemplateBroken, match=r"月报\.docx"):
        filled("月报.docx", _template(tag), values, {}, "宋体")


@pytest.mark.parametrize(
    ("paragraphs", "place", "told"),
    [
        (("好", "{{ report.heading }}"), "report.heading", "heading"),
        (("好", "{{ unknown }} 之后"), "unknown", "unknown"),
        (("{% for a in lines %}", "没有结束"), "", "endfor"),
        (("好", "{{ 坏 坏 }}"), "坏 坏", "写法有误"),
        (("{{ lines[7].name }}",), "lines[7]", "无法填写"),
        (("{{ 1 / 0 }}",), "1 / 0", "division"),
        (("{% for a in lines %}", "好", "{%p endfor %}"), "", "标签的位置不对"),
    ],
)
def test_what_is_broken_is_named_with_its_place(paragraphs: tuple[str, ...], place: str, told: str) -> None:
    with pytest.raises(TemplateBroken) as raised:
        filled("月报.docx", _template(*paragraphs), {"report": {"title": "甲"}, "lines": [1, 2]}, {}, "宋体")
    text = str(raised.value)
    assert "月报.docx" in text
    assert place in text
    assert told in text
    assert "template" in text


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"no zip at all", b"PK" + b"\x00" * 50])
def test_what_is_no_document_is_refused(content: bytes) -> None:
    with pytest.raises(TemplateBroken, match="DOCX"):
        filled("月报.docx", content, {}, {}, "宋体")


def _with_part(content: bytes, name: str, part: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if info.filename != name:
                new.writestr(info.filename, old.read(info))
        new.writestr(name, part)
    return file.getvalue()


def test_a_document_that_declares_entities_or_unpacks_to_too_much_is_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    with pytest.raises(TemplateBroken, match="DOCX"):
        filled("月报.docx", _with_part(_template("好"), "word/document.xml", bomb), {}, {}, "宋体")
    large = _with_part(_template("好"), "word/media/image1.png", bytes(70 * 1024**2))
    assert len(large) < MAX_BYTES
    with pytest.raises(TemplateBroken, match="超过"):
        filled("月报.docx", large, {}, {}, "宋体")
