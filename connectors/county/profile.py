"""The profile a platform's client connects with: which hub, and which keys. Written by joining, read by clients."""

import os
import tomllib
from pathlib import Path

from msgspec import Struct, ValidationError, convert, structs

FILE_NAME = "profile.toml"


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """How a platform reaches its hub; the thumbprint is SHA-256 in hex.

    By gRPC it names a certificate and its key (PEM, as the authority is); by REST the file with the shared secret.
    ``signing_keys`` are private keys batches are signed with, where the hub wants that. While the hub changes its
    certificate ``second_thumbprint`` is the other one it may show. ``hub_cards`` are the cards of keys
    the hub signs with: where it names some, what is fetched must be signed with them. ``is_traced`` writes a place in a
    trace into each record of ``CountyClient``; switch it with a new record only, because one that was sent without
    and is sent again with it is another record under the same id, and refused (``MESSAGE_ID_REUSED``).
    """

    platform_id: str
    hub_id: str
    address: str
    thumbprint: str
    authority: Path
    certificate: Path | None = None
    key: Path | None = None
    secret: Path | None = None
    signing_keys: tuple[Path, ...] = ()
    second_thumbprint: str = ""
    hub_cards: tuple[Path, ...] = ()
    is_traced: bool = False


class ProfileInvalid(Exception):
    """The profile cannot be used. Join again with `sanji peers accept --profile`."""


def write_profile(folder: Path, profile: Profile) -> Path:
    """Writes ``profile.toml`` into a folder, its files named from there; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, value in structs.asdict(profile).items():
        if value in (None, (), "", False):
            continue
        if value is True:
            lines.append(f"{name} = true\n")
            continue
        if isinstance(value, tuple):
            lines.append(f"{name} = {[os.path.relpath(path, folder) for path in value]}\n")
            continue
        shown = os.path.relpath(value, folder) if isinstance(value, Path) else value
        lines.append(f'{name} = "{shown}"\n')
    path = folder / FILE_NAME
    path.write_text("".join(lines), encoding="utf-8")
    return path


def read_profile(path: Path) -> Profile:
    """Reads a profile from its folder or file.

    Raises:
        ProfileInvalid: it is missing or does not fit; the message names the field, in Chinese and English.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError:
        raise ProfileInvalid(f"找不到连接档案 {file}。 / There is no profile there.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileInvalid(f"{file} 不是 TOML：{error} / is not TOML.") from None
    for name in ("authority", "certificate", "key", "secret"):
        if isinstance(values.get(name), str):
            values[name] = file.parent / values[name]
    for name in ("signing_keys", "hub_cards"):
        if isinstance(values.get(name), list):
            values[name] = [file.parent / str(path) for path in values[name]]
    try:
        profile = convert(values, Profile, dec_hook=lambda _, value: value)
    except ValidationError as error:
        raise ProfileInvalid(f"{file}：{error}") from None
    if profile.secret is None and (profile.certificate is None or profile.key is None):
        raise ProfileInvalid(f"{file} 须有 certificate 和 key，或 secret。 / Name certificate and key, or secret.")
    return profile
