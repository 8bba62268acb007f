"""What a backup is, signed by the hub that made it: versions, counts, digests of its parts, and where the ledger stood.

A manifest is no secret: it names no person and no case. It lies beside the sealed parts and is signed with the hub's
certificate, so a backup somebody else made or changed is not restored.
"""

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from auth.signatures import Signed, sign, signer_of
from exchange_db.records import Violated
from exchange_db.snapshots import Contents

PURPOSE = "sanji backup 1"
NAME = "manifest.json"
LEDGER, FILES, ATTACHMENTS = "ledger", "files", "attachments"


class ManifestInvalid(Exception):
    """There is no manifest, or it is not what the hub signed."""


class Part(Struct, frozen=True):
    """A sealed file of a backup: its bytes on disk and their SHA-256."""

    name: str
    size_bytes: int
    sha256: str


class NeededFile(Struct, frozen=True):
    """A file of the host a hub needs to run again; it lies in the sealed part ``files``."""

    setting: str
    path: str
    sha256: str


class Manifest(Struct, frozen=True):
    """A backup. Times are microseconds since 1970; ``server`` and ``dumped_by`` are major versions of PostgreSQL."""

    backup_id: str
    kind: str
    hub_id: str
    made_time: int
    software: str
    server: int
    dumped_by: int
    database: str
    contents: Contents
    parts: tuple[Part, ...]
    files: tuple[NeededFile, ...]
    attachment_count: int
    attachment_bucket: str = ""

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        return datetime.fromtimestamp(self.made_time / 1_000_000, UTC)

    def part(self, name: str) -> Part:
        """Returns a part by its name.

        Raises:
            ManifestInvalid: there is none.
        """
        for found in self.parts:
            if found.name == name:
                return found
        raise ManifestInvalid(f"{self.backup_id}: 缺少 {name} / has no part {name}")

    def label(self, name: str) -> str:
        """Returns the label a part is sealed under, so that no part stands for another."""
        return f"{self.backup_id}/{name}"


class _Written(Struct):
    """A manifest on disk."""

    content: str
    signature: str
    certificates: str


def write(manifest: Manifest, folder: Path, certificate: bytes, key: bytes) -> None:
    """Signs a manifest and puts it beside its parts."""
    content = msgspec.json.encode(manifest)
    signed = sign(PURPOSE, content, certificate, key)
    written = _Written(content.decode(), base64.b64encode(signed.signature).decode(), signed.certificates.decode())
    (folder / NAME).write_bytes(msgspec.json.format(msgspec.json.encode(written)))


def read(folder: Path, authorities: bytes) -> Manifest:
    """Returns the manifest of a backup.

    Args:
        folder: the backup's folder.
        authorities: PEM of the federation's authorities.

    Raises:
        ManifestInvalid: it is not there, cannot be read, or was not signed by the hub it names.
    """
    try:
        written = msgspec.json.decode((folder / NAME).read_bytes(), type=_Written)
        content = written.content.encode()
        manifest = msgspec.json.decode(content, type=Manifest)
        signed = Signed(content, base64.b64decode(written.signature), written.certificates.encode())
        signer = signer_of(PURPOSE, signed, authorities, manifest.made_at)
    except (OSError, ValueError, msgspec.MsgspecError, Violated) as error:
        raise ManifestInvalid(f"{folder}: 清单不可用或签名无效：{error} / the manifest cannot be believed") from None
    if signer != manifest.hub_id:
        raise ManifestInvalid(f"{folder}: 清单由 {signer} 签名，不是 {manifest.hub_id} / signed by another hub")
    return manifest


def require_whole(manifest: Manifest, folder: Path) -> None:
    """Compares every part on disk with the manifest.

    Raises:
        ManifestInvalid: one is missing, shorter or other.
    """
    for part in manifest.parts:
        path = folder / f"{part.name}.sealed"
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ManifestInvalid(f"{path}: {error.strerror}") from None
        if digest != part.sha256:
            raise ManifestInvalid(
                f"{path}: 内容与清单不符（被截断或改动） / is not what the manifest tells: cut or altered"
            )
