"""Charts that Word and Excel draw themselves, from numbers in the file, with the fonts of whoever opens it.

Nothing is painted here, so a hub needs no Chinese font, and a reader can open the numbers behind a chart and change
how it looks. One chart serves both: in a workbook it points at cells, in a document at a small workbook inside it.
"""

import io
from typing import Any

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart
from openpyxl.chart.chartspace import ChartContainer, ChartSpace
from openpyxl.chart.data_source import (
    AxDataSource,
    NumData,
    NumDataSource,
    NumRef,
    NumVal,
    StrData,
    StrRef,
    StrVal,
)
from openpyxl.chart.plotarea import PlotArea
from openpyxl.chart.series import Series, SeriesLabel
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText
from openpyxl.chart.title import Title, title_maker
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.text import CharacterProperties, Font, Paragraph, ParagraphProperties
from openpyxl.xml.functions import SubElement, tostring

from hub.reports.plots import Places, Plot

#: Sheet of the numbers in a document's workbook.
_SHEET = "数据"
_COLOURS = ("C00000", "1F4E79", "7F7F7F", "BF9000")
_CHART_NS = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_RELATION_NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def chart_of(plot: Plot, places: Places) -> BarChart | LineChart:
    """Returns a chart whose numbers stand at these places, with a copy of them for programs that do not look there."""
    chart: BarChart | LineChart = LineChart() if plot.is_line else BarChart()
    chart.title = _title(plot.title)
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.y_axis.number_format = "0%" if plot.is_rate else "0"
    assert chart.y_axis.majorGridlines is not None  # noqa: S101 — every new axis has some
    chart.y_axis.majorGridlines.spPr = GraphicalProperties(ln=LineProperties(solidFill="D9D9D9"))
    chart.y_axis.scaling.min = 0
    if plot.is_rate and all(value <= 1 for _, values in plot.series for value in values if value is not None):
        chart.y_axis.scaling.max = 1
    assert chart.legend is not None  # noqa: S101 — every new chart has one
    chart.legend.position = "b"
    if isinstance(chart, BarChart):
        chart.gapWidth, chart.overlap = 60 if len(plot.groups) > 3 else 250, 0
    rows = f"${places.first_row}:${places.group_column}${places.last_row}"
    groups = AxDataSource(
        strRef=StrRef(
            f=f"'{places.sheet}'!${places.group_column}{rows}",
            strCache=StrData(len(plot.groups), [StrVal(idx=n, v=name) for n, name in enumerate(plot.groups)]),
        )
    )
    for number, ((name, values), column) in enumerate(zip(plot.series, places.columns, strict=True)):
        known = [NumVal(idx=at, v=f"{value!r}") for at, value in enumerate(values) if value is not None]
        cache = NumData(plot.number_format, len(values), known)
        span = f"'{places.sheet}'!${column}${places.first_row}:${column}${places.last_row}"
        series = Series(idx=number, order=number, val=NumDataSource(numRef=NumRef(f=span, numCache=cache)), cat=groups)
        label = f"'{places.sheet}'!${column}${places.heading_row}"
        series.tx = SeriesLabel(strRef=StrRef(f=label, strCache=StrData(1, [StrVal(idx=0, v=name)])))
        colour = _COLOURS[number % len(_COLOURS)]
        series.spPr = GraphicalProperties(
            solidFill=None if plot.is_line else colour, ln=LineProperties(solidFill=colour, w=22_000)
        )
        if plot.is_line:
            series.smooth = False
        chart.series.append(series)
    return chart


def embedded_chart(plot: Plot, font: str) -> tuple[bytes, bytes]:
    """Returns a chart for a document: its XML, which names ``rId1`` as its workbook, and that workbook."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = _SHEET
    sheet.append(["", *(name for name, _ in plot.series)])
    for number, group in enumerate(plot.groups):
        sheet.append([group, *(values[number] for _, values in plot.series)])
    for row in sheet.iter_rows(min_row=2, min_col=2):
        for cell in row:
            cell.number_format = plot.number_format
    columns = tuple(chr(ord("B") + number) for number in range(len(plot.series)))
    chart = chart_of(plot, Places(_SHEET, 2, len(plot.groups) + 1, "A", columns, 1))
    area = PlotArea()
    area._charts = [chart]  # type: ignore[attr-defined] # noqa: SLF001 — openpyxl offers no other way
    space = ChartSpace(chart=ChartContainer(plotArea=area, legend=chart.legend, title=chart.title))
    space.chart.plotVisOnly = True
    space.roundedCorners = False
    letters = CharacterProperties(latin=Font(typeface=font), ea=Font(typeface=font), sz=1_000)
    space.txPr = RichText(p=[Paragraph(pPr=ParagraphProperties(defRPr=letters), endParaRPr=CharacterProperties())])
    tree = space.to_tree()
    data = SubElement(tree, f"{{{_CHART_NS}}}externalData", {f"{{{_RELATION_NS}}}id": "rId1"})
    SubElement(data, f"{{{_CHART_NS}}}autoUpdate", {"val": "0"})
    file = io.BytesIO()
    book.save(file)
    written: Any = tostring(tree)
    return written, file.getvalue()


def _title(text: str) -> Title:
    title: Title = title_maker(text)
    title.overlay = False
    assert title.tx is not None and title.tx.rich is not None  # noqa: S101, PT018 — just made
    for paragraph in title.tx.rich.p:
        paragraph.pPr = ParagraphProperties(defRPr=CharacterProperties(sz=1_200, b=False))
        for run in paragraph.r:
            run.rPr = CharacterProperties(sz=1_200, b=False)
    return title
