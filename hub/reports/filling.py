"""Filling a Word template: sandboxed, with native charts, and an error that names the place when it cannot be filled.

A template is a file people edit, so nothing in it is believed: expressions run in Jinja's sandbox over plain data,
no other file can be read or named, a name that does not exist is an error and not a gap, and sizes are bounded.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any, NoReturn
from xml.sax.saxutils import quoteattr

from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import OpcError
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lxml import etree

from exchange_db.records import printable
from hub.reports.charts import embedded_chart
from hub.reports.plots import Plot
from hub.reports.shelf import MAX_BYTES, TemplateBroken

#: Most bytes of a template, and of what it unpacks to.
MAX_UNPACKED_BYTES, MAX_PARTS = 64 * 1024**2, 1_000
#: Most signs of a text that an expression repeats, and of a filled part.
_MOST_TEXT = 1_000_000
#: The frame Jinja gives an error inside a template.
_FRAME = "<template>"
_CHART_TYPE = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_DRAWING = (
    '<w:p><w:pPr><w:keepLines/><w:spacing w:line="240" w:lineRule="auto"/><w:ind w:firstLine="0" w:firstLineChars="0"/>'
    '<w:jc w:val="center"/></w:pPr><w:r><w:drawing>'
    '<wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
    ' distT="0" distB="0" distL="0" distR="0"><wp:extent cx="5400000" cy="2880000"/>'
    "<wp:docPr id={number} name={name} descr={name}/>"
    '<a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
    '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart">'
    '<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" r:id={relation}/>'
    "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which a text cannot be repeated without end either."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise SecurityError("** is not offered")
        if operator == "*" and not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise SecurityError("only numbers can be multiplied")
        if operator == "%" and isinstance(left, str):
            raise SecurityError("% is for numbers only")
        value = super().call_binop(context, operator, left, right)
        if isinstance(value, str) and len(value) > _MOST_TEXT:
            raise SecurityError("the text grows too long")
        return value


class _Drawing(str):
    """XML of a chart, which is not escaped like the texts."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


class _Template(DocxTemplate):  # type: ignore[misc] # docxtpl tells no types
    """A template that says where it is broken."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self._name = name

    def render_xml_part(self, src_xml: str, part: Any, context: Any, jinja_env: Any = None) -> str:
        """Fills one part; called by docxtpl for the text, each header and each footer."""
        try:
            filled = str(super().render_xml_part(src_xml, part, context, jinja_env))
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            self._refuse(src_xml, error)
        if len(filled) > 50 * _MOST_TEXT:
            raise TemplateBroken(self._name, "", "填写后过大，请检查循环", "grows too large; look at its loops")
        try:
            etree.fromstring(filled)
        except etree.XMLSyntaxError as error:
            raise TemplateBroken(
                self._name,
                "",
                f"标签的位置不对，填写后不再是有效的文档（{error.msg}）；"
                "{%tr … %} 应独占表格的一行，{%p … %} 应独占一段",
                f"a tag stands in the wrong place, the result is no document ({error.msg});"
                " {%tr … %} needs a row and {%p … %} a paragraph of its own",
            ) from None
        return filled

    def _refuse(self, source: str, error: Exception) -> NoReturn:
        line = error.lineno if isinstance(error, TemplateSyntaxError) else _line_of(error)
        lines = re.sub(r"<w:p([ >])", r"\n<w:p\1", source).splitlines()
        text = re.sub(r"<[^>]+>", "", lines[line - 1]).strip() if 0 < line <= len(lines) else ""
        told = printable(str(error))[:200]
        if isinstance(error, SecurityError):
            zh, en = f"不允许的写法（{told}）", f"this is not allowed ({told})"
        elif isinstance(error, TemplateSyntaxError):
            zh, en = f"标签写法有误（{told}），请对照 docs/reports.md", f"a tag is written wrongly ({told})"
        else:
            zh, en = f"无法填写（{told}），请检查变量名，可用的见 docs/reports.md", f"cannot be filled ({told})"
        raise TemplateBroken(self._name, text[:60], zh, en) from None


def filled(name: str, content: bytes, values: Mapping[str, Any], plots: Mapping[str, Plot | None], font: str) -> bytes:
    """Returns a template filled with values and charts.

    Args:
        name: what the template is called in errors.
        content: the template, a DOCX file.
        values: plain data its tags may name.
        plots: charts by the name they have under ``charts``; ``None`` where there is nothing to draw.
        font: font of the charts.

    Raises:
        TemplateBroken: it cannot be read or filled.
    """
    _check_size(name, content)
    template = _Template(name, content)
    try:
        document = template.get_docx()
    except (OpcError, KeyError, ValueError, zipfile.BadZipFile, etree.XMLSyntaxError):
        raise _unreadable(name) from None
    charts: dict[str, str] = {}
    for number, (key, plot) in enumerate(plots.items(), 1):
        charts[key] = "" if plot is None else _attached(document.part, number, plot, font)
    sandbox = _Sandbox(autoescape=True, undefined=StrictUndefined)
    # Without range and the like a loop goes over data only, and ends.
    sandbox.globals.clear()
    template.render({**values, "charts": charts}, sandbox)
    file = io.BytesIO()
    template.save(file)
    return file.getvalue()


def _attached(document: Any, number: int, plot: Plot, font: str) -> _Drawing:
    """Adds a chart and its workbook to a document; returns the paragraph that shows it."""
    chart, workbook = embedded_chart(plot, font)
    package = document.package
    book = Part(PackURI(f"/word/embeddings/chart{number}.xlsx"), _SHEET_TYPE, workbook, package)
    part = Part(PackURI(f"/word/charts/chart{number}.xml"), _CHART_TYPE, chart, package)
    part.relate_to(book, RELATIONSHIP_TYPE.PACKAGE)
    relation = document.relate_to(part, RELATIONSHIP_TYPE.CHART)
    return _Drawing(_DRAWING.format(number=f'"{number}"', name=quoteattr(plot.title), relation=quoteattr(relation)))


def _check_size(name: str, content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            too_large = len(content) > MAX_BYTES or len(infos) > MAX_PARTS
            if too_large or sum(info.file_size for info in infos) > MAX_UNPACKED_BYTES:
                raise TemplateBroken(
                    name, "", f"超过 {MAX_BYTES} 字节，请减小图片", "is too large; make its pictures smaller"
                )
            for info in infos:
                # Read whole: the sizes in the archive's list are claims.
                if info.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in archive.read(info)[:2_000].upper():
                    raise _unreadable(name)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError):
        raise _unreadable(name) from None


def _unreadable(name: str) -> TemplateBroken:
    return TemplateBroken(
        name, "", "不是有效的 DOCX 文件，请用 Word 另存为 .docx", "is no DOCX file; save it as .docx in Word"
    )


def _line_of(error: BaseException) -> int:
    """Returns the line of the template in which an error arose, 0 when it did not arise there."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _FRAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
