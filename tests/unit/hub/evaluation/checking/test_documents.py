"""Files of forms: CSV, XLSX and DOCX say the same; damaged and hostile ones are refused with what to do."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from connectors.sheets import SheetInvalid
from hub.evaluation.checking.documents import MAX_BYTES, MAX_ROWS, read_document

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def _docx(
    path: Path, body: str, *, head: str = '<?xml version="1.0" encoding="UTF-8"?>', coding: str = "utf-8"
) -> Path:
    text = f'{head}<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", text.encode(coding))
    return path


def _cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"


def _row(*cells: str) -> str:
    return f"<w:tr>{''.join(cells)}</w:tr>"


def test_a_word_document_gives_its_tables_and_its_text(tmp_path: Path) -> None:
    table = "".join(
        [
            _row(_cell("一级指标", '<w:gridSpan w:val="2"/>'), _cell("分值")),
            _row(_cell("产出", '<w:vMerge w:val="restart"/>'), _cell("数量"), _cell("10")),
            _row(_cell("产出", "<w:vMerge/>"), _cell("质量"), _cell("20")),
        ]
    )
    text = "<w:p><w:r><w:t>立案率</w:t></w:r><w:r><w:t>为99.67%</w:t></w:r></w:p>"
    found = read_document(_docx(tmp_path / "form.docx", f"{text}<w:tbl>{table}</w:tbl>"))
    assert found.paragraphs == ("立案率为99.67%",)
    (only,) = found.tables
    assert [row.cells for row in only.rows] == [
        ("一级指标", "", "分值"),
        ("产出", "数量", "10"),
        ("", "质量", "20"),
    ]


def test_a_workbook_is_read_as_it_is_seen(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["立案率", 0.99666765, 0.5, 8907, 60.74, 1984.99, None])
    sheet["B1"].number_format, sheet["C1"].number_format, sheet["F1"].number_format = "0.00%", "0%", "#,##0.0"
    book.create_sheet("第二张").append(["=1+1"])
    book.save(tmp_path / "form.xlsx")
    first, second = read_document(tmp_path / "form.xlsx").tables
    assert first.rows[0].cells[:6] == ("立案率", "99.67%", "50%", "8907", "60.74", "1985.0")
    assert (second.name, [row.cells for row in second.rows]) == ("第二张", [("=1+1",)])


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_in_the_usual_codings(tmp_path: Path, coding: str) -> None:
    path = tmp_path / "form.csv"
    path.write_bytes('指标,填报值\n\n立案率,"99.67%"\n'.encode(coding))
    (table,) = read_document(path).tables
    assert [(row.number, row.cells) for row in table.rows] == [(1, ("指标", "填报值")), (3, ("立案率", "99.67%"))]


def _bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(2):
            archive.writestr(f"word/{number}.xml", b" " * (40 * 1024**2))
        archive.writestr("word/document.xml", "<a/>")
    return path


def _written(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def _zip_of(**parts: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in parts.items():
            archive.writestr(f"{name}.xml", text)
    return packed.getvalue()


_DTD = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>'


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (_written("form.pdf", b"%PDF"), "请用 .xlsx、.docx 或 .csv"),
        (lambda folder: folder / "none.csv", "文件不存在"),
        (lambda folder: folder, "无法识别的文件类型"),
        (_written("form.csv", b'"open'), "不是有效的 CSV"),
        (_written("form.csv", b"\xff\xff\x81"), "编码无法识别"),
        (_written("form.csv", b"a\n" * (MAX_ROWS + 1)), "过大"),
        (_written("form.csv", b" " * (MAX_BYTES + 1)), "过大"),
        (_written("form.xlsx", b"PK nothing"), "已损坏"),
        (_written("form.xlsx", _zip_of(a="<a/>")), "已损坏|不是有效的 XLSX"),
        (_written("form.xlsx", _zip_of(a=f"{_DTD}<a/>")), "DOCTYPE"),
        (_written("form.docx", b"nothing"), "已损坏"),
        (_written("form.docx", _zip_of(a="<a/>")), "已损坏"),
        (lambda folder: _docx(folder / "a.docx", "", head=_DTD), "DOCTYPE"),
        (lambda folder: _docx(folder / "a.docx", "", head="", coding="utf-16"), "不是 UTF-8"),
        (lambda folder: _docx(folder / "a.docx", "<w:p>"), "已损坏"),
        (lambda folder: _bomb(folder / "a.docx"), "过大"),
    ],
)
def test_damaged_and_hostile_files_are_refused(tmp_path: Path, write: Callable[[Path], Path], told: str) -> None:
    with pytest.raises(SheetInvalid, match=told):
        read_document(write(tmp_path))
    assert read_document(_docx(tmp_path / "right.docx", "<w:p/>")).tables == ()
