"""Settings that cannot be used are explained by field, in both languages, without a traceback."""

from pathlib import Path

import pytest
import typer

from hub.cli.configuration import ConfigurationError, explain, load
from hub.settings import as_markdown

GOOD = '[hub]\nid = "431200.hub"\nname = "怀化市枢纽"\n'


def _file(folder: Path, text: str | bytes) -> Path:
    path = folder / "sanji.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _problems(path: Path) -> list[tuple[str, str]]:
    with pytest.raises(ConfigurationError) as error:
        explain(path)
    return error.value.problems


def test_good_settings_are_read_and_their_paths_are_meant_from_the_file(tmp_path: Path) -> None:
    settings = load(_file(tmp_path, GOOD))
    assert settings.hub.region == 431200
    assert settings.tls.key == tmp_path / "keys" / "hub.key"


def test_a_file_saved_by_a_windows_editor_is_read(tmp_path: Path) -> None:
    assert load(_file(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())).hub.name == "怀化市枢纽"


@pytest.mark.parametrize(
    ("text", "field", "chinese", "english"),
    [
        ('[hub]\nid = "431200.hub"\n', "hub.name", "缺少必填项", "required"),
        ('[hub]\nid = "怀化"\nname = "x"\n', "hub.id", "六位行政区划代码", "431200.hub"),
        (GOOD + '[listen]\nport = "x"\n', "listen.port", "应为整数", "integer"),
        (GOOD + "[listen]\nport = 70000\n", "listen.port", "不得大于 65535", "65535"),
        (GOOD + "[listen]\nprot = 1\n", "listen.prot", "是否指 port", "Is port meant"),
        (GOOD + "[lissten]\nport = 1\n", "lissten", "是否指 listen", "Is listen meant"),
        (GOOD + "[listen]\nzzz = 1\n", "listen.zzz", "可用的有", "known here"),
        (GOOD + "[apply]\nlanes = 0\n", "apply.lanes", "不得小于 1", "greater than or equal to 1"),
        (GOOD + '[console]\nhost = "0.0.0.0"\n', "console", "取值不符合要求", "unless there is a certificate"),
        (GOOD + '[console]\norigin = "http://x.example"\n', "console.origin", "取值不符合要求", "https://host"),
        (GOOD + "[console]\nsession_hours = 25\n", "console.session_hours", "不得大于 24", "24"),
        (GOOD + '[figures]\nzone = "Asia/Shangai"\n', "figures.zone", "取值不符合要求", "IANA"),
        (GOOD + '[figures]\nis_equal_on_time = "perhaps"\n', "figures.is_equal_on_time", "true 或 false", "boolean"),
        (GOOD + "listen = 5\n", "hub.listen", "没有这个设置项", "no such setting"),
    ],
)
def test_what_is_wrong_is_named_by_field(tmp_path: Path, text: str, field: str, chinese: str, english: str) -> None:
    (problem,) = _problems(_file(tmp_path, text))
    assert field in problem[0]
    assert chinese in problem[0]
    assert field in problem[1]
    assert english in problem[1]


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    assert len(_problems(_file(tmp_path, '[hub]\nid = "x"\n[listen]\nport = "x"\n'))) == 3


def test_a_wrong_variable_is_named_instead_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANJI_LISTEN__PORT", "x")
    (problem,) = _problems(_file(tmp_path, GOOD))
    assert problem[0].startswith("SANJI_LISTEN__PORT")


def test_a_variable_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANJI_LISTEN__PORT", "7000")
    assert load(_file(tmp_path, GOOD + "[listen]\nport = 1\n")).listen.port == 7000


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    (problem,) = _problems(_file(tmp_path, GOOD + "[database]\nurl = 123456\n"))
    assert "123456" not in problem[0] + problem[1]


@pytest.mark.parametrize(
    ("text", "chinese"), [(b"\xff\xfe", "UTF-8"), ("编号：1".encode("gbk"), "UTF-8"), ("[hub\n", "TOML")]
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, text: str | bytes, chinese: str) -> None:
    (problem,) = _problems(_file(tmp_path, text))
    assert chinese in problem[0]


def test_a_missing_file_ends_the_command_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        load(tmp_path / "none.toml")
    assert ended.value.exit_code == 2
    told = capsys.readouterr().err
    assert "找不到设置文件" in told
    assert "--config" in told
    assert "Traceback" not in told


def test_every_setting_is_described() -> None:
    assert "None |" not in as_markdown()
