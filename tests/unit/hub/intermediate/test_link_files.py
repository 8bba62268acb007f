"""Link files: what is read, and what is said of one that cannot be used."""

from pathlib import Path

import pytest

from hub.intermediate.link_files import Capture, LinkFileInvalid, Manner, read_links

GOOD = 'peer = "431221.platform"\nname = "中方县平台"\nurl = "mysql://u:${PASSWORD_OF_COUNTY}@10.1.2.3/exchange"\n'


def _written(folder: Path, text: str, name: str = "county.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_secrets_stand_in_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD_OF_COUNTY", "s3cret")
    _written(tmp_path, 'issuer_id = "431221.platform"\n', "mapping.toml")
    links = read_links(_written(tmp_path, GOOD))
    link = links["431221.platform"]
    assert link.url == "mysql://u:s3cret@10.1.2.3/exchange"
    assert (link.engine, link.manner, link.capture) == ("mariadb", Manner.OURS, Capture.KEY_LOG)


def test_no_folder_is_no_link(tmp_path: Path) -> None:
    assert read_links(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD, "county.toml：url：环境变量 PASSWORD_OF_COUNTY"),
        ('peer = "x"\nname = ""\nurl = "sqlite:///a"', "county.toml：peer"),
        ('peer = "431221.platform"\nname = ""\nurl = "oracle://a"', "county.toml：url：不认识"),
        ('peer = "431221.platform"\nname = ""\nurl = "sqlite:///a"\nmanner = "mine"', "county.toml：manner"),
        ('peer = "431221.platform"\nname = ""\nurl = "sqlite:///a"\nmanner = "theirs"', "county.toml：source"),
        ('peer = "431221.platform"\nurl = "sqlite:///a"', "`name`"),
        ('peer = "431221.platform"\nname = ""\nurl = "sqlite:///a"\ncolour = 1', "colour"),
        ("peer", "TOML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(LinkFileInvalid, match=told):
        read_links(_written(tmp_path, text))


def test_two_files_of_one_partner_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD_OF_COUNTY", "s3cret")
    _written(tmp_path, GOOD)
    with pytest.raises(LinkFileInvalid, match=r"other.toml：peer：431221.platform"):
        read_links(_written(tmp_path, GOOD, "other.toml"))
