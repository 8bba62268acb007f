"""Tables as files for people: CSV and XLSX in which no cell acts as a formula. Pure."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence

from aiohttp import web

from connectors.formulas import guarded

Rows = Iterable[Sequence[str]]


def as_csv(heads: Sequence[str], rows: Rows) -> bytes:
    """Returns CSV in UTF-8 with the mark spreadsheet programs look for."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([guarded(cell) for cell in row] for row in (heads, *rows))
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(heads: Sequence[str], rows: Rows) -> bytes:
    """Returns a workbook with one sheet, the heads frozen."""
    # Only who asks for a workbook carries the weight of the library.
    from openpyxl import Workbook  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet("sanji")
    sheet.freeze_panes = "A2"
    for row in (heads, *rows):
        sheet.append([guarded(cell) for cell in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


FORMS: Mapping[str, tuple[Callable[[Sequence[str], Rows], bytes], str]] = {
    "csv": (as_csv, "text/csv"),
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def file_response(content: bytes, content_type: str, name: str) -> web.Response:
    """Returns an answer that a browser keeps as a file; the name is plain ASCII."""
    return web.Response(
        body=content,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
