"""Generates the Python code beside the .proto files, and tells whether the committed code is fresh.

Run from the repository root: ``python -m protos.generate`` writes, ``python -m protos.generate --check`` compares.
The include root is the repository root, so the generated imports need no rewriting.
"""

import sys
import tempfile
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def generate(into: Path) -> None:
    """Writes all generated files under ``into``, in the same folders as the sources."""
    from grpc_tools import protoc

    sources = sorted(ROOT.glob("protos/*/v1/*.proto"))
    services = [path for path in sources if path.name.endswith("_service.proto")]
    include = [f"-I{ROOT}", f"-I{files('grpc_tools') / '_proto'}"]
    programs = Path(sys.executable).parent
    plugins = [f"--plugin={name}={programs / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    for arguments, chosen in (
        ([f"--python_out={into}", f"--mypy_out=quiet:{into}"], sources),
        ([f"--grpc_python_out={into}", f"--mypy_grpc_out=quiet,only_async:{into}"], services),
    ):
        code = protoc.main(["protoc", *include, *plugins, *arguments, *map(str, chosen)])
        if code != 0:
            raise SystemExit(code)


def stale() -> list[str]:
    """Returns the generated files that differ from the committed ones, as paths from the root, sorted."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = {path.relative_to(folder): path.read_bytes() for path in Path(folder).rglob("*.py*")}
    committed = {path.relative_to(ROOT): path.read_bytes() for path in ROOT.glob("protos/*/v1/*_pb2*.py*")}
    return sorted(str(name) for name in fresh.keys() | committed.keys() if fresh.get(name) != committed.get(name))


if __name__ == "__main__":
    if "--check" not in sys.argv:
        generate(ROOT)
    elif differing := stale():
        print("Generated code is not fresh; run `make protos`:", *differing, sep="\n  ")
        raise SystemExit(1)
