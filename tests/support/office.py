"""LibreOffice without a screen, as a reader of our files: what it computes and what it prints.

Each use has a profile of its own, so that several run at once, and the profile says that formulas are computed anew
whatever value stands beside them.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse">
<value>0</value></prop></item></oor:items>
"""


def converted(folder: Path, files: list[Path], kind: str) -> list[Path]:
    """Opens files in LibreOffice and returns what it saves them as, in the same order."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("needs soffice (libreoffice-writer-nogui, libreoffice-calc-nogui)")
    profile, output = folder / "office-profile", folder / f"as-{kind}"
    if not profile.exists():
        (profile / "user").mkdir(parents=True)
        (profile / "user" / "registrymodifications.xcu").write_text(_SETTINGS, encoding="utf-8")
    command = [program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--convert-to", kind]
    _run([*command, "--outdir", str(output), *map(str, files)])
    made = [output / f"{file.stem}.{kind}" for file in files]
    assert all(path.exists() for path in made), sorted(output.iterdir())
    return made


def _run(command: list[str]) -> None:
    """Runs a program that starts others; when it takes too long they end together."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True) as running:
        try:
            told, _ = running.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            raise
    assert running.returncode == 0, told.decode(errors="replace")


def text_of(pdf: Path) -> str:
    """Returns the text of a PDF, its columns side by side."""
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("needs pdftotext (poppler-utils)")
    done = subprocess.run([program, "-layout", pdf, "-"], check=True, capture_output=True, timeout=240)
    return done.stdout.decode()
