"""Skips for want of something are listed, counted, and fail a run that allows none."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sources import ROOT

_CONFTEST = """
import pathlib
from tests.support import skips
skips._SHARED = pathlib.Path({shared!r})
def pytest_configure(config):
    config.pluginmanager.register(skips.SkipWatch(is_strict={is_strict}), "watch")
"""
_TESTS = """
import pytest
def test_passes(): pass
def test_other(): pytest.skip("not on this system")
@pytest.mark.parametrize("n", range({count}))
def test_needs(n): pytest.skip({reason!r})
"""


def _run(
    folder: Path, reason: str, *, is_strict: bool, count: int = 2, shared: str = "/nonexistent"
) -> tuple[int, str]:
    (folder / "conftest.py").write_text(_CONFTEST.format(is_strict=is_strict, shared=shared), encoding="utf-8")
    (folder / "test_some.py").write_text(_TESTS.format(count=count, reason=reason), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(("is_strict", "code"), [(False, 0), (True, 1)])
def test_what_was_wanted_is_listed_and_counted(tmp_path: Path, *, is_strict: bool, code: int) -> None:
    found, told = _run(tmp_path, "needs chromium", is_strict=is_strict)
    assert found == code
    assert "2  needs chromium" in told
    assert "2  in all" in told
    assert "not on this system" not in told
    assert ("not allowed here" in told) is is_strict


def test_a_skip_for_another_reason_is_none_of_it(tmp_path: Path) -> None:
    assert _run(tmp_path, "only on weekdays", is_strict=True)[0] == 0


def test_a_missing_neighbour_folder_is_excused_only_where_it_is_missing(tmp_path: Path) -> None:
    assert _run(tmp_path, "needs ../shared/data", is_strict=True)[0] == 0
    assert _run(tmp_path, "needs ../shared/data", is_strict=True, shared=str(tmp_path))[0] == 1
