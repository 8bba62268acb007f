"""What a hub is made of, for people: its settings with their sources, versions, certificates, upgrade notes.

Nothing secret leaves here: what is a secret by its type, and passwords inside addresses, are blanked.
"""

import os
import re
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from auth.certificates import end_time_of, thumbprint
from conformance.report import contract_digest
from hub.sections.base import Section
from hub.settings import Settings

_HERE = Path(__file__).parent
#: Where the changes are told: in a package beside this file, among the sources above it.
_NOTES = (_HERE / "CHANGELOG.md", _HERE.parent / "CHANGELOG.md")
#: A password in an address.
_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@\s]*@")
_BLANK = "••••••"


class KnownSetting(NamedTuple):
    """A setting: ``listen.port``, its value in words, where it is from, and what it means.

    ``source`` is ``environment``, ``file`` or ``default``.
    """

    name: str
    value: str
    source: str
    meaning: str


class KnownCertificate(NamedTuple):
    """A certificate this hub works with: the setting, its thumbprint and end, or why it cannot be read."""

    setting: str
    thumbprint: str
    end_time: datetime | None
    trouble: str


def known_settings(settings: Settings) -> list[KnownSetting]:
    """Returns every setting, in the order of ``docs/settings.md``."""
    found = []
    for section in Settings.model_fields:
        part = getattr(settings, section)
        assert isinstance(part, Section)  # noqa: S101 — every section is a model
        for name, field in type(part).model_fields.items():
            place = f"{section}.{name}"
            source = _source(place, settings.named_in_file)
            found.append(KnownSetting(place, _shown(getattr(part, name)), source, _meaning(field)))
    return found


def certificates_of(settings: Settings) -> list[KnownCertificate]:
    """Returns the certificates the settings name."""
    named: list[tuple[str, Path | None]] = [
        ("tls.certificate", settings.tls.certificate),
        ("tls.authority", settings.tls.authority),
        ("console.certificate", settings.console.certificate),
    ]
    return [_certificate(setting, path) for setting, path in named if path is not None]


def program_version() -> str:
    """Returns the version of this program."""
    return version("sanji")


def contract_of() -> str:
    """Returns the beginning of the SHA-256 of the contract this program speaks, in hex."""
    return contract_digest()[:16]


def upgrade_notes() -> str:
    """Returns what changed from version to version, Markdown; empty where it was not shipped."""
    return next((path.read_text(encoding="utf-8") for path in _NOTES if path.is_file()), "")


def _certificate(setting: str, path: Path) -> KnownCertificate:
    try:
        content = path.read_bytes()
        return KnownCertificate(setting, thumbprint(content), end_time_of(content), "")
    except OSError as error:
        return KnownCertificate(setting, "", None, error.strerror or type(error).__name__)
    except ValueError as error:
        return KnownCertificate(setting, "", None, str(error))


def _source(place: str, named: frozenset[str]) -> str:
    section, _, name = place.partition(".")
    if any(variable.upper() in _variables(section, name) for variable in os.environ):
        return "environment"
    return "file" if place in named else "default"


def _variables(section: str, name: str) -> Iterator[str]:
    """Yields the variables a setting can be given by, its section as a whole among them."""
    yield f"SANJI_{section}__{name}".upper()
    yield f"SANJI_{section}".upper()


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return _BLANK
    if isinstance(value, tuple | list):
        return "，".join(_shown(one) for one in value) or "—"
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return str(value).lower()
    return _PASSWORD.sub(rf"\1:{_BLANK}@", str(value))


def _meaning(field: FieldInfo) -> str:
    return field.description or ""
