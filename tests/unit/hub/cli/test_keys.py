"""``sanji keys``: an authority, a certificate, and what it says."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from auth import certificates
from hub.cli.keys import commands


def _run(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(commands, list(map(str, arguments)))
    return done.exit_code, done.output


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    folder = tmp_path / "authority"
    assert _run("authority", folder)[0] == 0
    return folder


def test_a_certificate_is_issued_with_all_a_hub_needs(authority: Path, tmp_path: Path) -> None:
    out = tmp_path / "keys"
    code, told = _run("issue", "431200.hub", "--authority", authority, "--out", out, "--name", "10.0.0.1")
    assert code == 0
    assert sorted(path.name for path in out.iterdir()) == ["authority.pem", "hub.key", "hub.pem"]
    certificate = (out / "hub.pem").read_bytes()
    assert certificates.thumbprint(certificate) in told
    assert certificates.is_issued_by(certificate, (out / "authority.pem").read_bytes())
    assert "10.0.0.1" in certificates.hosts_of(certificate)


def test_a_certificate_is_shown(authority: Path, tmp_path: Path) -> None:
    _run("issue", "431221.platform", "--authority", authority, "--out", tmp_path, "--days", "40")
    code, told = _run("show", tmp_path / "platform.pem")
    assert code == 0
    assert "431221.platform" in told
    assert "39 d" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("authority", "{authority}"), "不会覆盖"),
        (("issue", "431200.hub", "--authority", "{tmp}/none"), "没有签发机构"),
        (("issue", "hub", "--authority", "{authority}", "--out", "{tmp}/x"), "431200.hub"),
        (("show", "{authority}/authority.key"), "不是 PEM 证书"),
        (("show", "{tmp}/none"), "无法读取"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    authority: Path, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    code, output = _run(*(argument.format(authority=authority, tmp=tmp_path) for argument in arguments))
    assert code == 1
    assert told in output
    assert "Traceback" not in output
