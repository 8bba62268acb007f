"""What is told of a hub's settings: where each is from, and nothing secret."""

from pathlib import Path

import pytest

from hub.inventory import certificates_of, contract_of, known_settings, upgrade_notes
from hub.settings import read_settings


def test_every_setting_names_its_source_and_no_secret_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sanji.toml"
    file.write_text(
        '[hub]\nid = "431200.hub"\nname = "怀化"\n[database]\nurl = "postgresql://li:geheim@db/sanji"\n'
        '[evidence]\ns3_secret_key = "geheim"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("SANJI_LISTEN__PORT", "7999")
    found = {one.name: one for one in known_settings(read_settings(file))}
    assert "geheim" not in repr(found)
    assert [found[name].source for name in ("hub.id", "listen.port", "listen.host")] == [
        "file", "environment", "default",
    ]  # fmt: skip
    assert (found["listen.port"].value, found["database.url"].source) == ("7999", "file")
    assert all(one.meaning for one in found.values())


def test_a_certificate_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    file = tmp_path / "sanji.toml"
    file.write_text('[hub]\nid = "431200.hub"\nname = "怀化"\n', encoding="utf-8")
    told = certificates_of(read_settings(file))
    assert [one.setting for one in told] == ["tls.certificate", "tls.authority"]
    assert all(one.trouble for one in told)


def test_the_notes_and_the_contract_are_told() -> None:
    assert upgrade_notes().startswith("# Changelog")
    assert len(contract_of()) == 16
