"""A workbook being drawn: cells with borders and formats, formulas with the values they give, charts beside them.

Pure. Called by ``hub.reports.workbook``.
"""

import io
from collections.abc import Sequence
from typing import NamedTuple

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from connectors.formulas import guarded
from hub.reports.charts import chart_of
from hub.reports.packing import settled
from hub.reports.plots import Places, Plot

_THIN = Side(style="thin", color="808080")
_BORDER = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_BODY, _BOLD, _TITLE = Font(name="宋体", size=11), Font(name="宋体", size=11, bold=True), Font(name="黑体", size=16)
_SHADE = PatternFill("solid", fgColor="F2F2F2")
_CENTRE = Alignment(horizontal="center", vertical="center", wrap_text=True)
_LEFT = Alignment(vertical="center", wrap_text=True)
PERCENT, COUNT, POINTS = "0.00%", "#,##0", "0.00"


class Formula(NamedTuple):
    """A formula without its sign ``=``, what it gives, and how that is shown."""

    text: str
    value: float | str
    number_format: str = COUNT


#: What may stand in a cell.
Cell = str | int | float | Formula | None


class Page:
    """One sheet.

    Args:
        sheet: openpyxl's.
        number: its number, from 1.
        values: takes what its formulas give.
    """

    def __init__(self, sheet: Worksheet, number: int, values: dict[tuple[int, str], float | str]) -> None:
        self._sheet = sheet
        self._number = number
        self._values = values
        self.row = 0

    @property
    def name(self) -> str:
        """What the sheet is called."""
        return str(self._sheet.title)

    def title(self, text: str, columns: int) -> None:
        """Writes a title over several columns."""
        self.row += 1
        self._sheet.append([guarded(text)])
        self._sheet.merge_cells(start_row=self.row, start_column=1, end_row=self.row, end_column=columns)
        cell = self._sheet.cell(self.row, 1)
        cell.font, cell.alignment = _TITLE, _CENTRE
        self._sheet.row_dimensions[self.row].height = 30

    def note(self, text: str) -> None:
        """Writes a line of text."""
        self.row += 1
        self._sheet.append([guarded(text)])
        self._sheet.cell(self.row, 1).font = _BODY

    def skip(self) -> None:
        """Leaves a row empty."""
        self.row += 1
        self._sheet.append([])

    def write(self, cells: Sequence[Cell], *, is_heading: bool = False, is_sum: bool = False) -> int:
        """Writes a row of a table and returns its number."""
        self.row += 1
        self._sheet.append([_content(cell) for cell in cells])
        for number, cell in enumerate(cells, 1):
            place = self._sheet.cell(self.row, number)
            place.border, place.font = _BORDER, _BOLD if is_heading or is_sum else _BODY
            place.alignment = _LEFT if number == 1 and not is_heading else _CENTRE
            if is_heading:
                place.fill = _SHADE
            if isinstance(cell, Formula):
                place.number_format = cell.number_format
                self._values[self._number, str(place.coordinate)] = cell.value
            elif isinstance(cell, int):
                place.number_format = COUNT
        return self.row

    def widths(self, *widths: float) -> None:
        """Sets the widths of the columns, in letters."""
        for number, width in enumerate(widths, 1):
            self._sheet.column_dimensions[get_column_letter(number)].width = width

    def freeze(self) -> None:
        """Keeps what was written so far, and the first column, in view."""
        self._sheet.freeze_panes = f"B{self.row + 1}"

    def chart(self, plot: Plot, places: Places, anchor: str) -> None:
        """Draws a chart of cells of this sheet."""
        chart = chart_of(plot, places)
        chart.width, chart.height = 18, 9
        self._sheet.add_chart(chart, anchor)

    def lay_out(self, repeated: int) -> None:
        """Makes the sheet fit one page in width, landscape, with its first rows on each."""
        self._sheet.page_setup.orientation = "landscape"
        self._sheet.page_setup.paperSize = 9
        self._sheet.page_setup.fitToWidth, self._sheet.page_setup.fitToHeight = 1, 0
        self._sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        self._sheet.print_title_rows = f"1:{repeated}"
        footer = self._sheet.oddFooter
        assert footer is not None  # noqa: S101 — every new sheet has one
        footer.center.text = "— &P —"


class Grid:
    """A workbook."""

    def __init__(self, title: str, creator: str) -> None:
        self._book = Workbook()
        self._book.remove(self._book.worksheets[0])
        self._book.properties.title, self._book.properties.creator = title, creator
        self._values: dict[tuple[int, str], float | str] = {}

    def page(self, name: str) -> Page:
        """Adds a sheet."""
        sheet = self._book.create_sheet(name)
        return Page(sheet, len(self._book.worksheets), self._values)

    def content(self) -> bytes:
        """Returns the file; the same content gives the same bytes."""
        file = io.BytesIO()
        self._book.save(file)
        return settled(file.getvalue(), self._values)


def _content(cell: Cell) -> str | int | float | None:
    if isinstance(cell, Formula):
        return f"={cell.text}"
    return guarded(cell) if isinstance(cell, str) else cell
