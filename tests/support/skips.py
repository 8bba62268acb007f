"""Counts the tests that were skipped for want of something, and fails the run for it where that is asked for.

A skip whose reason begins with ``needs `` is such a one. With ``SANJI_NO_SKIPS=1`` any of them fails the run, but for
those that need ``../shared`` where that folder really is not there.
"""

from collections import Counter
from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[3] / "shared"


class SkipWatch:
    """The plug-in.

    Args:
        is_strict: fail the run when something was missing.
    """

    def __init__(self, *, is_strict: bool) -> None:
        self._is_strict = is_strict
        self._wanted: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes one test."""
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Notes a module that was skipped as a whole."""
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            if reason.startswith("needs "):
                self._wanted[reason] += 1

    def failing(self) -> Counter[str]:
        """Returns the reasons for which a strict run fails."""
        if not self._is_strict:
            return Counter()
        is_excused = not _SHARED.exists()
        return Counter(
            {
                reason: count
                for reason, count in self._wanted.items()
                if not (is_excused and reason.startswith("needs ../shared"))
            }
        )

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fails a strict run."""
        if self.failing() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Lists what was missing."""
        if not self._wanted:
            return
        terminalreporter.section("skipped for want of something")
        for reason, count in sorted(self._wanted.items()):
            fails = " — not allowed here (SANJI_NO_SKIPS)" if reason in self.failing() else ""
            terminalreporter.line(f"{count:4d}  {reason}{fails}")
        terminalreporter.line(f"{self._wanted.total():4d}  in all")
