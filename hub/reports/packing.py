"""Files of Office programs as zip archives that are the same whenever they are made from the same content. Pure.

Also puts the values of formulas beside them, which openpyxl does not: whoever only looks at a file (a phone, a preview,
a search) sees them without computing.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

_MOMENT = (1980, 1, 1, 0, 0, 0)
_STAMPS = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")
_FORMULA = re.compile(r'<c r="([A-Z]+[0-9]+)"([^>]*)><f>(.*?)</f><v\s*/?>(?:</v>)?</c>', re.DOTALL)

#: Sheet, by number from 1, and place of a cell, to the value its formula has.
Values = Mapping[tuple[int, str], float | str]


def settled(content: bytes, values: Values | None = None) -> bytes:
    """Returns the archive with times taken out and the values of formulas put in.

    Args:
        content: a DOCX or XLSX file.
        values: what the formulas of its sheets give.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            part = old.read(info)
            if info.filename == "docProps/core.xml":
                part = _STAMPS.sub(rb"\g<1>2000-01-01T00:00:00Z\g<3>", part)
            if info.filename.endswith(".xlsx"):
                part = settled(part)
            if values and (found := re.fullmatch(r"xl/worksheets/sheet([0-9]+)\.xml", info.filename)):
                part = _with_values(part.decode(), int(found[1]), values).encode()
            fixed = zipfile.ZipInfo(info.filename, _MOMENT)
            fixed.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(fixed, part)
    return file.getvalue()


def _with_values(text: str, sheet: int, values: Values) -> str:
    def told(found: re.Match[str]) -> str:
        place, rest, formula = found[1], found[2], found[3]
        value = values.get((sheet, place))
        if value is None:
            return found[0]
        if isinstance(value, str):
            return f'<c r="{place}"{rest} t="str"><f>{formula}</f><v>{escape(value)}</v></c>'
        return f'<c r="{place}"{rest}><f>{formula}</f><v>{value!r}</v></c>'

    return _FORMULA.sub(told, text)
