"""The project's own source files, for tests about rules of the house."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The packages that are shipped.
SHIPPED = ("hub", "conformance", "connectors", "exchange_db", "auth")


def _is_exempt(path: Path) -> bool:
    return path.name.rpartition(".")[0].endswith(("_pb2", "_pb2_grpc")) or "versions" in path.parts


def modules(*packages: str) -> list[Path]:
    """Returns every Python file of some packages that people wrote."""
    return [path for name in packages for path in sorted((ROOT / name).rglob("*.py")) if not _is_exempt(path)]


def place(path: Path) -> str:
    """Returns the path from the root of the project."""
    return str(path.relative_to(ROOT))
