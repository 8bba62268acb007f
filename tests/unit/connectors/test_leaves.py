"""The connectors that ship: every file of them can be read, and a copy is somebody's own."""

from pathlib import Path

import pytest

from connectors.leaves import LeafUnusable, copy_leaf, leaves
from connectors.mapping_file import read_mapping
from hub.cli.intermediate_inspection import _file_findings
from hub.intermediate.link_files import Manner, read_link


@pytest.fixture(autouse=True)
def _passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANJI_COUNTY_PASSWORD", "x")
    monkeypatch.setenv("SANJI_PROVINCE_PASSWORD", "x")
    monkeypatch.setenv("SANJI_NATIONAL_PASSWORD", "x")


@pytest.mark.parametrize("name", leaves())
def test_what_ships_can_be_read(name: str) -> None:
    leaf = leaves()[name]
    link = read_link(leaf.folder / "link.toml")
    assert link is not None
    for source in link.source:
        mapping = read_mapping(leaf.folder / source.mapping)
        assert set(source.key) <= set(mapping.columns()), "a key that is no column of the mapping"
    assert leaf.chinese != leaf.english
    # A mapping of answers may be of cases that another platform numbered.
    assert [finding.chinese for finding in _file_findings(link)] == []


def test_a_copy_is_somebody_s_own(tmp_path: Path) -> None:
    made = copy_leaf(leaves()["county/egova"], tmp_path / "links", "431223.gis", "辰溪县", "431200.platform")
    assert [path.name for path in made] == ["431223.gis.toml", "431223.gis-case.toml", "431223.gis-reply.toml"]
    link = read_link(made[0])
    assert link is not None
    assert (link.peer, link.name, link.manner) == ("431223.gis", "辰溪县", Manner.THEIRS)
    assert [source.mapping for source in link.source] == ["431223.gis-case.toml", "431223.gis-reply.toml"]
    case = made[1].read_text(encoding="utf-8")
    assert 'issuer_id = "431223.gis"' in case
    assert 'region_code = "431223"' in case
    assert "431228" not in "".join(path.read_text(encoding="utf-8") for path in made)
    assert 'issuer_id = "431200.platform"' in made[2].read_text(encoding="utf-8")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    leaf = leaves()["county/sqlite_file"]
    copy_leaf(leaf, tmp_path, "431223.gis", "辰溪县", "431200.platform")
    with pytest.raises(LeafUnusable, match="已存在"):
        copy_leaf(leaf, tmp_path, "431223.gis", "辰溪县", "431200.platform")


@pytest.mark.parametrize(("peer", "name"), [("gis", "辰溪县"), ("431223.gis", 'a"b')])
def test_a_wrong_name_is_told(tmp_path: Path, peer: str, name: str) -> None:
    with pytest.raises(LeafUnusable):
        copy_leaf(leaves()["county/sqlite_file"], tmp_path / "links", peer, name, "431200.platform")
    assert not (tmp_path / "links").exists()
