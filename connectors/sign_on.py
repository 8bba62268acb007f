"""How people of a platform sign on, read from files: what is the same at every platform of a kind, and what is not.

A leaf under ``connectors/<tier>/`` ships ``sign_on.toml`` with what its product prescribes; an operator's file names
the leaf and adds the platform, its addresses and where the hub's own secrets for it lie. Called by ``sanji sign-on``.
"""

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from exchange_db.sign_on_records import AnyUpstream

_HERE = Path(__file__).parent
_TIERS = ("national", "province", "county")
_FILE = "sign_on.toml"
#: Entries that name files; meant from the folder of the operator's file.
_PATHS = ("authority", "key", "secret")


class SignOnFileInvalid(Exception):
    """An operator's file cannot be used; says why, in both languages."""


def sign_on_leaves() -> dict[str, str]:
    """Returns the leaves that ship a profile, by name, with what each is for."""
    return {
        f"{tier}/{path.parent.name}": path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        for tier in _TIERS
        for path in sorted((_HERE / tier).glob(f"*/{_FILE}"))
    }


def read_sign_on(file: Path) -> AnyUpstream:
    """Reads an operator's file over the leaf it names.

    Raises:
        SignOnFileInvalid: it cannot be read, names no leaf, or something in it does not fit.
    """
    given = _read(file)
    leaf = given.pop("leaf", None)
    if leaf not in sign_on_leaves():
        known = "、".join(sign_on_leaves())
        raise SignOnFileInvalid(f"{file}：leaf 应为下列之一：{known} / leaf must be one of these")
    values = {**_read(_HERE / leaf / _FILE), **given}
    for name in _PATHS:
        if isinstance(values.get(name), str) and values[name]:
            values[name] = str(file.resolve().parent / Path(values[name]).expanduser())
    try:
        read: AnyUpstream = msgspec.convert(values, AnyUpstream)
    except msgspec.ValidationError as error:
        raise SignOnFileInvalid(f"{file}：取值不符合要求：{error} / does not fit") from None
    return read


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SignOnFileInvalid(f"{file}：无法读取：{error.strerror} / cannot be read") from None
    except ValueError as error:
        raise SignOnFileInvalid(f"{file}：不是有效的 TOML：{error} / is no valid TOML") from None
