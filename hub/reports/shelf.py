"""Which template a report is filled from: the authority's own if its folder has one, else the shipped one."""

import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from exchange_db.records import printable
from hub.reports.content import ReportKind

#: Where the shipped templates are.
FOLDER: Final = Path(__file__).with_name("templates")
#: Largest template.
MAX_BYTES = 8 * 1024**2


class TemplateBroken(Exception):
    """A template cannot be filled; names the file, the place in it, and what to do."""

    def __init__(self, name: str, place: str, chinese: str, english: str) -> None:
        shown = f"{printable(name)}{f'，“{printable(place)}”处' if place else ''}"
        super().__init__(f"模板 {shown}：{printable(chinese)}。 / template {printable(name)}: {printable(english)}.")


class TemplateFile(NamedTuple):
    """A template; ``is_own`` when it is the authority's."""

    name: str
    path: Path
    content: bytes
    is_own: bool

    @property
    def digest(self) -> bytes:
        """Its SHA-256."""
        return hashlib.sha256(self.content).digest()


def template_of(kind: ReportKind, folder: Path | None) -> TemplateFile:
    """Returns the template of a sort of report.

    Raises:
        TemplateBroken: the authority's own cannot be read.
    """
    name = f"{kind}.docx"
    if folder is not None and (folder / name).exists():
        path = folder / name
        try:
            if path.stat().st_size > MAX_BYTES:
                raise TemplateBroken(str(path), "", f"超过 {MAX_BYTES} 字节", f"more than {MAX_BYTES} bytes")
            return TemplateFile(name, path, path.read_bytes(), is_own=True)
        except OSError as error:
            raise TemplateBroken(
                str(path), "", f"无法读取（{error.strerror}）", f"cannot be read ({error.strerror})"
            ) from None
    return TemplateFile(name, FOLDER / name, (FOLDER / name).read_bytes(), is_own=False)
