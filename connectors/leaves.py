"""The leaves that ship: partners' platforms by product, each a folder of data files under ``connectors/<tier>``.

A leaf is a link file (``link.toml``), the mappings it names, and perhaps the tables of the product for trials. It is a
working example in itself; ``copy_leaf`` makes it somebody's own.
"""

import re
from pathlib import Path
from typing import NamedTuple

from exchange_db.regions import region_of

_HERE = Path(__file__).parent
_TIERS = ("national", "province", "county")
_PEER = re.compile(r'^peer = "([^"]+)"$', re.MULTILINE)
_NAME = re.compile(r'^name = "[^"]*"$', re.MULTILINE)
#: The authority that the examples name.
_AUTHORITY = "431200.platform"


class LeafUnusable(Exception):
    """A leaf cannot be copied; says why, in both languages."""


class Leaf(NamedTuple):
    """One leaf: ``county/egova``, what it is for in Chinese and English, and its folder."""

    name: str
    chinese: str
    english: str
    folder: Path


def leaves() -> dict[str, Leaf]:
    """Returns the leaves that ship, by name."""
    found = {}
    for tier in _TIERS:
        for path in sorted((_HERE / tier).glob("*/link.toml")):
            chinese, english = path.read_text(encoding="utf-8").splitlines()[:2]
            name = f"{tier}/{path.parent.name}"
            found[name] = Leaf(name, chinese.lstrip("# "), english.lstrip("# "), path.parent)
    return found


def copy_leaf(leaf: Leaf, folder: Path, peer_id: str, name: str, authority_id: str) -> list[Path]:
    """Copies the data files of a leaf for a partner and returns them, the link file first.

    Args:
        leaf: what to copy.
        folder: the folder of link files; made when missing.
        peer_id: name of the partner, in place of the example's.
        name: its name for people.
        authority_id: the platform that dispatches there, in place of the example's.

    Raises:
        LeafUnusable: a name is wrong, or a file is there already.
    """
    for given in (peer_id, authority_id):
        try:
            region_of(given)
        except ValueError:
            raise LeafUnusable(f"{given}：应为平台名，如 431221.platform / must be like 431221.platform") from None
    if any(letter in name for letter in '"\\\n'):
        raise LeafUnusable("名称不能含引号、反斜杠和换行 / a name has no quotes, backslashes or line breaks")
    made = []
    for source in sorted(leaf.folder.glob("*.toml"), key=lambda path: path.name != "link.toml"):
        if source.name == "sign_on.toml":
            continue
        target = folder / (f"{peer_id}.toml" if source.name == "link.toml" else f"{peer_id}-{source.name}")
        if target.exists():
            raise LeafUnusable(f"{target} 已存在 / is there already")
        made.append((target, _own(source.read_text(encoding="utf-8"), leaf, peer_id, name, authority_id)))
    folder.mkdir(parents=True, exist_ok=True)
    for target, text in made:
        target.write_text(text, encoding="utf-8")
    return [target for target, _ in made]


def _own(text: str, leaf: Leaf, peer_id: str, name: str, authority_id: str) -> str:
    example = _PEER.search((leaf.folder / "link.toml").read_text(encoding="utf-8"))
    assert example is not None  # noqa: S101 — every link file that ships names its partner
    text = text.replace(_AUTHORITY, authority_id).replace(example[1], peer_id)
    text = text.replace(f'"{example[1][:6]}"', f'"{peer_id[:6]}"')
    text = _NAME.sub(f'name = "{name}"', text, count=1) if _PEER.search(text) else text
    return re.sub(r'^mapping = "(.+)"$', rf'mapping = "{peer_id}-\1"', text, flags=re.MULTILINE)
