"""A Word template being drawn: the layout of an official document, paragraph by paragraph. Pure.

Fonts are named as the national layout has them, with what stands in for them where they lack.

Source: GB/T 9704-2012 for margins, fonts, line spacing and page numbers; from general knowledge, unverified.
"""

import io
from collections.abc import Sequence
from typing import Any

from docx import Document
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import _Cell
from docx.text.paragraph import Paragraph
from lxml import etree

from hub.reports.packing import settled

TITLE, BODY, HEAD, _SONG = "方正小标宋简体", "仿宋_GB2312", "黑体", "宋体"
#: What a program takes where it has no such font.
_ALTERNATIVES = {TITLE: "宋体", BODY: "仿宋", HEAD: "微软雅黑", "楷体_GB2312": "楷体"}
_RED = RGBColor(0xC0, 0x00, 0x00)
CENTRE, _RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT
#: What stands after borders in the properties of a paragraph: their order is fixed.
_AFTER_BORDERS = ("w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")

#: Heading of a column, and the tag in each row.
Columns = Sequence[tuple[str, str]]


class Sheet:
    """A template being drawn."""

    def __init__(self) -> None:
        self._document: Any = Document()
        section = self._document.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.bottom_margin = Mm(37), Mm(35)
        section.left_margin, section.right_margin = Mm(28), Mm(26)
        section.footer_distance = Mm(25)
        normal = self._document.styles["Normal"]
        normal.font.size = Pt(16)
        normal.font.name = "Times New Roman"
        normal.element.rPr.rFonts.set(qn("w:eastAsia"), BODY)
        spacing = normal.paragraph_format
        spacing.space_before = spacing.space_after = Pt(0)
        spacing.line_spacing_rule, spacing.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(28)
        self._number_pages(section.footer.paragraphs[0])
        self._name_alternatives()

    def text(
        self, text: str, *, font: str = "", size: float = 0, align: Any = None, is_indented: bool = True
    ) -> Paragraph:
        """Adds a paragraph."""
        return self._write(self._document.add_paragraph(), text, font, size, align, is_indented=is_indented)

    def letterhead(self, name: str) -> None:
        """Adds the red head: who issues it, the number, and the red line."""
        head = self.text(name, font=TITLE, size=30, align=CENTRE, is_indented=False)
        head.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
        head.runs[0].font.color.rgb = _RED
        self.text("", is_indented=False)
        number = self.text("{{ report.number }}", align=CENTRE, is_indented=False)
        border = OxmlElement("w:pBdr")
        line = OxmlElement("w:bottom")
        for name_, value in (("val", "single"), ("sz", "18"), ("space", "4"), ("color", "C00000")):
            line.set(qn(f"w:{name_}"), value)
        border.append(line)
        properties = number._p.get_or_add_pPr()
        properties.insert_element_before(border, *_AFTER_BORDERS)
        self.text("", is_indented=False)

    def title(self, text: str) -> None:
        """Adds the title."""
        paragraph = self.text(text, font=TITLE, size=22, align=CENTRE, is_indented=False)
        paragraph.paragraph_format.line_spacing = Pt(36)
        self.text("", is_indented=False)

    def heading(self, text: str) -> None:
        """Adds a heading; its numeral is counted when the template is filled, because sections may be left out."""
        paragraph = self.text(f"{{{{ numeral() }}}}、{text}", font=HEAD)
        paragraph.paragraph_format.keep_with_next = True

    def tag(self, tag: str) -> None:
        """Adds a paragraph that holds nothing but a tag and vanishes when the template is filled."""
        self.text(tag, is_indented=False)

    def table(self, loop: str, columns: Columns, widths: Sequence[float], name: str = "", last: Columns = ()) -> None:
        """Adds a table with a row for every turn of a loop, and a last one."""
        table = self._document.add_table(rows=0, cols=len(columns))
        table.style = "Table Grid"
        table.autofit = False
        heading = table.add_row()
        self._cells(heading.cells, [title.replace("{{ name }}", name) for title, _ in columns], is_bold=True)
        self._cells(table.add_row().cells, [f"{{%tr for line in {loop} %}}"])
        self._cells(table.add_row().cells, [tag for _, tag in columns])
        self._cells(table.add_row().cells, ["{%tr endfor %}"])
        if last:
            self._cells(table.add_row().cells, [tag for _, tag in last], is_bold=True)
        for row in table.rows:
            row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
            for cell, width in zip(row.cells, widths, strict=True):
                cell.width = Mm(width)
        heading._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(width)
        self.text("", is_indented=False).paragraph_format.line_spacing = Pt(14)

    def signature(self) -> None:
        """Adds who signs, and the day."""
        self.text("", is_indented=False)
        for text in ("{{ report.issuer }}", "{{ report.date }}"):
            paragraph = self.text(text, align=_RIGHT, is_indented=False)
            paragraph.paragraph_format.right_indent = Pt(32)
            paragraph.paragraph_format.keep_together = True

    def content(self) -> bytes:
        """Returns the file."""
        file = io.BytesIO()
        self._document.core_properties.title = "{{ report.title }}"
        self._document.core_properties.author = "{{ report.issuer }}"
        self._document.core_properties.comments = ""
        self._document.save(file)
        return settled(file.getvalue())

    def _cells(self, cells: tuple[_Cell, ...], texts: Sequence[str], *, is_bold: bool = False) -> None:
        for number, (cell, text) in enumerate(zip(cells, texts, strict=False)):
            align = None if number == 0 and not is_bold else CENTRE
            font = HEAD if is_bold else BODY
            paragraph = self._write(cell.paragraphs[0], text, font, 10.5, align, is_indented=False)
            spacing = paragraph.paragraph_format
            spacing.line_spacing_rule = WD_LINE_SPACING.SINGLE
            spacing.space_before = spacing.space_after = Pt(2)
            cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER

    def _write(
        self, paragraph: Paragraph, text: str, font: str, size: float, align: Any, *, is_indented: bool
    ) -> Paragraph:
        run = paragraph.add_run(text)
        if font:
            run.font.name = "Times New Roman"
            run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
        if size:
            run.font.size = Pt(size)
        if align is not None:
            paragraph.alignment = align
        if is_indented:
            # Two letters of whatever size; the points are for programs that do not count letters.
            paragraph.paragraph_format.first_line_indent = Pt(32)
            paragraph._p.pPr.ind.set(qn("w:firstLineChars"), "200")  # type: ignore[union-attr]
        return paragraph

    def _number_pages(self, paragraph: Paragraph) -> None:
        paragraph.alignment = CENTRE
        for kind, text in (("text", "— "), ("begin", ""), ("field", "PAGE"), ("end", ""), ("text", " —")):
            run = paragraph.add_run(text if kind == "text" else "")
            run.font.size = Pt(14)
            run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _SONG)
            if kind == "field":
                field = OxmlElement("w:instrText")
                field.text = text
                run._r.append(field)
            elif kind != "text":
                mark = OxmlElement("w:fldChar")
                mark.set(qn("w:fldCharType"), kind)
                run._r.append(mark)

    def _name_alternatives(self) -> None:
        """Says in the table of fonts what stands in for one that is not installed."""
        for part in self._document.part.package.iter_parts():
            if str(part.partname) == "/word/fontTable.xml":
                fonts = parse_xml(part.blob)
                for name, alternative in _ALTERNATIVES.items():
                    font = OxmlElement("w:font")
                    font.set(qn("w:name"), name)
                    other = OxmlElement("w:altName")
                    other.set(qn("w:val"), alternative)
                    font.append(other)
                    fonts.append(font)
                part._blob = etree.tostring(fonts, xml_declaration=True, encoding="UTF-8", standalone=True)
