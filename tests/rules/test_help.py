"""The commands of the project explain themselves."""

import re
import subprocess

import pytest

from tests.support.sources import ROOT

_TARGETS = ("setup", "demo", "test", "check", "fmt", "protos", "bench", "run", "faults")


@pytest.fixture(scope="module")
def told() -> str:
    return subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("target", _TARGETS)
def test_make_help_explains_every_command(told: str, target: str) -> None:
    assert re.search(rf"make {target}\s+\w", told)


def test_continuous_integration_runs_the_tests_and_nothing_else() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    lines = [line for line in script.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert lines[0] == "set -euo pipefail"
    assert lines[-1] == "make test"
