"""The contracts: fresh code, nothing released is broken, and every field says what it means."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto

from protos import generate

ROOT = Path(__file__).resolve().parents[2]
BUF = Path(sys.executable).parent / "buf"


def _buf(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BUF, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> list[descriptor_pb2.FileDescriptorProto]:
    image = tmp_path_factory.mktemp("contract") / "image.binpb"
    built = _buf("build", "-o", str(image))
    assert built.returncode == 0, built.stderr
    files = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes()).file
    return [file for file in files if file.package.startswith("sanji.")]


def test_the_generated_code_is_fresh() -> None:
    assert generate.stale() == []


def test_the_released_contract_is_not_broken() -> None:
    checked = _buf("breaking", "--against", "protos/released.binpb")
    assert checked.returncode == 0, checked.stdout


def test_a_break_would_be_found(tmp_path: Path) -> None:
    for source in sorted(ROOT.glob("protos/*/v1/*.proto")):
        copy = tmp_path / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "buf.yaml").write_text((ROOT / "buf.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    parcel = tmp_path / "protos" / "exchange" / "v1" / "parcel.proto"
    parcel.write_text(
        parcel.read_text(encoding="utf-8").replace("string origin_id", "bytes origin_id"), encoding="utf-8"
    )
    checked = _buf("breaking", str(tmp_path), "--against", "protos/released.binpb")
    assert checked.returncode != 0
    assert "origin_id" in checked.stdout


def test_the_packages_are_named_like_their_folders(contract: list[descriptor_pb2.FileDescriptorProto]) -> None:
    for file in contract:
        _, noun, version, _ = file.name.split("/")
        assert file.package == f"sanji.{noun}.{version}"


def _messages(file: descriptor_pb2.FileDescriptorProto) -> Iterator[DescriptorProto]:
    waiting = list(file.message_type)
    while waiting:
        message = waiting.pop()
        waiting += message.nested_type
        yield message


def _enums(file: descriptor_pb2.FileDescriptorProto) -> Iterator[EnumDescriptorProto]:
    yield from file.enum_type
    for message in _messages(file):
        yield from message.enum_type


def test_every_enum_begins_with_unspecified(contract: list[descriptor_pb2.FileDescriptorProto]) -> None:
    for file in contract:
        for enum in _enums(file):
            prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper()
            assert (enum.value[0].name, enum.value[0].number) == (f"{prefix}_UNSPECIFIED", 0)


def test_times_are_whole_microseconds_and_named_so(contract: list[descriptor_pb2.FileDescriptorProto]) -> None:
    for file in contract:
        for message in _messages(file):
            for field in message.field:
                assert not field.name.endswith(("_at", "_date", "_timestamp")), f"{message.name}.{field.name}"
                if field.name.endswith("_time") and not field.name.startswith("is_"):
                    assert field.type == FieldDescriptorProto.TYPE_INT64, f"{message.name}.{field.name}"


def test_every_field_has_a_comment(contract: list[descriptor_pb2.FileDescriptorProto]) -> None:
    bare = []
    for file in contract:
        commented = {tuple(place.path) for place in file.source_code_info.location if place.leading_comments.strip()}
        for number, message in enumerate(file.message_type):
            bare += [
                f"{message.name}.{field.name}"
                for index, field in enumerate(message.field)
                if (4, number, 2, index) not in commented
            ]
    assert bare == []
