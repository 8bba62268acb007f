"""The offline bundle: made from the index once, installed and run where there is no network at all."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sources import ROOT

_PACKAGES = ("hub", "conformance", "connectors", "exchange_db", "auth", "protos")
#: Brings the namespace's own loopback up and becomes the command that follows. Source: netdevice(7), SIOCSIFFLAGS.
_ALONE = """
import fcntl, os, socket, struct, sys
with socket.socket() as some:
    fcntl.ioctl(some, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))
os.execvp(sys.argv[1], sys.argv[1:])
"""
#: Who is not root keeps its name in the namespace, because PostgreSQL does not run as root.
_UNSHARE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-current-user", "--net", "--keep-caps"]


def _alone(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command in a network namespace that has a loopback and no way out."""
    words = [*_UNSHARE, sys.executable, "-c", _ALONE, *map(str, command)]
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
    return subprocess.run(
        words, cwd=folder, env={**kept, "HOME": str(folder), "PYTHON": sys.executable},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked bundle. Its wheels are fetched once for each state of ``uv.lock`` and kept beside the tools."""
    folder = tmp_path_factory.mktemp("bundle")
    if subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs network namespaces")
    environment = {**os.environ, "OUT": str(folder), "PYTHON": sys.executable}
    environment.pop("PYTHONPATH", None)
    made = subprocess.run(
        [ROOT / "deploy/make_bundle.sh"], env=environment, capture_output=True, text=True, check=False
    )
    if made.returncode and "No matching distribution" in made.stderr:
        pytest.skip("needs a package index")
    assert made.returncode == 0, made.stderr
    archive = Path(made.stdout.splitlines()[-1])
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


@pytest.fixture
def opened() -> Iterator[Path]:
    """A folder that the other user may enter as whom PostgreSQL runs; those of pytest are closed to everybody."""
    folder = Path(tempfile.mkdtemp(prefix="sanji-offline-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def test_the_wheel_brings_every_file_of_the_packages(bundle: Path) -> None:
    (wheel,) = (bundle / "wheels").glob("sanji-*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(ROOT))
        for name in _PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted - shipped == set()


def test_what_only_tests_and_builders_need_stays_out(bundle: Path) -> None:
    names = {path.name.partition("-")[0] for path in (bundle / "wheels").iterdir()}
    assert names & {"playwright", "pyspark", "pytest", "moto", "mypy", "ruff", "flask", "grpcio_tools"} == set()


@pytest.mark.timeout(900)
def test_it_installs_and_runs_the_demonstration_without_a_network(bundle: Path, opened: Path) -> None:
    installed = _alone(bundle / "install.sh", opened / "sanji", folder=opened)
    assert installed.returncode == 0, installed.stderr
    shutil.rmtree(bundle / "wheels")
    shown = _alone(opened / "sanji/bin/sanji", "demo", "--once", "--json", opened / "demo.json", folder=opened)
    assert shown.returncode == 0, shown.stdout[-3_000:] + shown.stderr[-3_000:]
    assert json.loads((opened / "demo.json").read_text(encoding="utf-8"))


def test_a_damaged_bundle_is_not_installed(bundle: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for name in ("install.sh", "PLATFORM", "requirements.txt"):
        shutil.copy(bundle / name, damaged)
    (damaged / "SHA256SUMS").write_text(f"{'0' * 64}  ./requirements.txt\n", encoding="utf-8")
    tried = _alone(damaged / "install.sh", tmp_path / "sanji", folder=tmp_path)
    assert tried.returncode == 1
    assert "damaged" in tried.stderr
    assert not (tmp_path / "sanji").exists()
