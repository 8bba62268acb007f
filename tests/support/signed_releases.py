"""Releases for tests: an authority with hubs' certificates, manifests with sensible values, and their signatures."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auth.certificates import Certified, issue, make_authority, write
from auth.signatures import Signed, sign
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.settings import TlsPart
from hub.standards.documents import VALIDATORS
from hub.standards.manifest import PURPOSE, Document, Manifest, digest_of, write_manifest
from hub.standards.publishing import Plan, Publisher
from tests.support.clock import NOON

MADE = datetime.fromtimestamp(NOON / 1_000_000, UTC)
AUTHORITY = make_authority("测试签发机构", MADE)
STANDARD = "GB/T-30428.2-2013"
CODES = (
    "kind,code,name,standard_ref\n"
    + "".join(
        f"event,{code},{name},{STANDARD}\n"
        for code, name in (
            ("02", "宣传广告"), ("0203", "违规户外广告"), ("0204", "广告语言文字不规范"), ("04", "街面秩序"),
            ("0401", "无照经营游商"), ("05", "突发事件"), ("0501", "供水管道破裂"),
        )
    )
).encode()  # fmt: skip

_certificates: dict[str, Certified] = {}


def certified(hub_id: str) -> Certified:
    """Returns a hub's certificate from the authority, the same for the same name."""
    if hub_id not in _certificates:
        _certificates[hub_id] = issue(AUTHORITY, hub_id, MADE)
    return _certificates[hub_id]


def a_document(content: bytes = CODES, name: str = "codes.csv") -> Document:
    """A document as a manifest names it."""
    return Document(name, digest_of(content), len(content))


def a_manifest(publisher_id: str = "000000.hub", version: str = "1", **changes: Any) -> Manifest:
    """A code list of the nation, in force since noon."""
    values: dict[str, Any] = {
        "publisher_id": publisher_id,
        "kind": "code_list",
        "name": STANDARD,
        "version": version,
        "published_time": NOON,
        "effective_time": NOON,
        "documents": (a_document(),),
    }
    if changes.get("withdraws"):
        values["documents"] = ()
    return Manifest(**values | changes)


def signed_by(manifest: Manifest, hub_id: str = "") -> Signed:
    """The manifest with a signature, of its publisher unless another is named."""
    signer = certified(hub_id or manifest.publisher_id)
    return sign(PURPOSE, write_manifest(manifest), signer.certificate, signer.key)


def a_plan(version: str = "1", content: bytes = CODES, **changes: Any) -> Plan:
    """What somebody publishes: a code list of one document."""
    values: dict[str, Any] = {
        "kind": "code_list",
        "name": STANDARD,
        "version": version,
        "effective_time": NOON,
        "documents": {"codes.csv": content},
    }
    return Plan(**values | changes)


def a_publisher(ledger: Ledger, hub_id: str, folder: Path, clock: Clock) -> Publisher:
    """A publisher with its keys in a folder."""
    place = folder / hub_id
    tls = TlsPart(authority=place / "authority.pem", certificate=place / "hub.pem", key=place / "hub.key")
    if not place.exists():
        write(certified(hub_id), tls.certificate, tls.key)
        tls.authority.write_bytes(AUTHORITY.certificate)
    return Publisher(ledger, hub_id, int(hub_id[:6]), tls, VALIDATORS, clock)
