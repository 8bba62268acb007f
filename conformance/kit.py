"""What an implementer in another language needs, in one folder: the contract, its documents, sample messages.

Every sample is a parcel as bytes and as JSON, with the answer the contract asks for. Times in them are of a fixed day,
so that the same kit is the same bytes wherever it is made.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from conformance.checks import CHECKS, Face, Texts
from conformance.flaws import FLAWS, with_new_field
from conformance.scene import HOUR, Scene, Terms
from exchange_db.records import AssignmentState, Case, CheckState, HandlingState, ReportState
from protos.exchange.v1 import parcel_pb2

#: Pages an implementer needs, from the folder ``docs``.
PAGES: Final = (
    "conformance.md", "pushing.md", "lifecycle.md", "limits.md", "bad-input.md", "errors.md", "rest.md", "glossary.md",
    "security/cryptography.md",
)  # fmt: skip
_ROOT = Path(__file__).resolve().parents[1]
#: 2026-01-05 12:00 in China.
_NOON: Final = 1_767_585_600_000_000
_SAMPLES: Final = UUID("0b5e7a7e-7f0e-4b0e-9d34-6f6b5f0f2026")


class Sample(NamedTuple):
    """A message and the answer to it: outcome, then the business state where one follows."""

    name: str
    title: Texts
    payload: bytes
    outcome: str
    state: str = ""
    reason: str = ""
    field_path: str = ""


class PagesMissing(Exception):
    """The documents are not where the program lies."""


def samples(terms: Terms) -> Iterator[Sample]:
    """Yields the samples: a case from report to closing, then every single fault."""
    scene = _FixedScene(terms)
    for name, title, case in _story(scene):
        yield Sample(f"good-{name}", title, scene.fixed(name, case), "DURABLE", "APPLIED")
    whole = scene.fixed("unknown-field", scene.dated(scene.report("S-2")))
    parcel = parcel_pb2.Parcel.FromString(whole)
    with_new_field(parcel.case.report)
    title = Texts("新版契约的字段", "a field of a newer contract")
    yield Sample("good-unknown-field", title, parcel.SerializeToString(deterministic=True), "DURABLE", "APPLIED")
    for flaw in FLAWS:
        # A message of a fixed day cannot be ahead of the clock of whoever gets it later.
        if flaw.name == "written-ahead":
            continue
        payload = flaw.of(scene.fixed(flaw.name, scene.dated(scene.report(f"S-{flaw.name}"))))
        yield Sample(f"{flaw.group}-{flaw.name}", flaw.title, payload, "REFUSED", "", flaw.reason, flaw.field_path)


class _FixedScene(Scene):
    """Makes the same records whenever it is asked."""

    def fixed(self, name: str, case: Case) -> bytes:
        """Returns a parcel whose id follows from its name."""
        return self.payload(case, uuid5(_SAMPLES, name), _NOON)

    def dated(self, case: Case) -> Case:
        """Returns a report of the fixed day."""
        return self.report(case.case_no, reported_time=_NOON - HOUR)


def _story(scene: _FixedScene) -> Iterator[tuple[str, Texts, Case]]:
    number, moment = "S-1", _NOON - HOUR
    filed = scene.report(number, state=ReportState.FILED, reported_time=moment, filed_time=moment)
    yield "1-report", Texts("上报并立案", "report, filed"), filed
    times = {"dispatched_time": moment, "acted_time": moment}
    due = {"original_deadline_time": moment + 24 * HOUR, "deadline_time": moment + 24 * HOUR}
    assigned = scene.assignment(1, AssignmentState.DISPATCHED, **times, **due)
    yield "2-dispatch", Texts("派遣", "dispatch"), scene.case(number, assignment=assigned)
    steps: tuple[tuple[str, Texts, HandlingState, dict[str, int]], ...] = (
        ("3-received", Texts("接收", "received"), HandlingState.RECEIVED, {}),
        (
            "4-department",
            Texts("派至部门", "to a department"),
            HandlingState.DISPATCHED_ON,
            {"dispatched_on_time": moment},
        ),
        (
            "5-check-request",
            Texts("核查申请", "asks for the check"),
            HandlingState.CLOSE_REQUESTED,
            {"disposed_time": moment, "close_requested_time": moment},
        ),
    )
    for revision, (name, title, state, changes) in enumerate(steps, 1):
        handling = scene.handling(revision, state, received_time=moment, acted_time=moment, **changes)
        yield name, title, scene.case(number, handling=handling)
    checked = {"check_sent_time": moment, "acted_time": moment, "check_answered_time": moment, "closed_time": moment}
    closed = scene.check(1, CheckState.CLOSED, **checked)
    yield "6-closing", Texts("结案", "closed"), scene.case(number, verdict=closed)


def write_kit(out: Path, terms: Terms) -> list[Path]:
    """Writes the folder and returns its files, in order.

    Raises:
        FileExistsError: something lies there already; nothing is overwritten.
        PagesMissing: the documents do not lie beside the program.
        OSError: it cannot be written.
    """
    out.mkdir(parents=True, exist_ok=False)
    written = [_copied(path, out / "protos" / path.relative_to(_ROOT / "protos")) for path in _contracts()]
    pages = _pages()
    written += [_copied(pages / name, out / "docs" / name) for name in PAGES]
    index: list[dict[str, Any]] = []
    for number, sample in enumerate(samples(terms), 1):
        file = f"{number:03d}-{sample.name}"
        binary = out / "samples" / f"{file}.bin"
        written.append(_put(binary, sample.payload))
        text = _as_json(sample.payload)
        if text:
            written.append(_put(out / "samples" / f"{file}.json", text.encode()))
        told = sample._asdict() | {"title": sample.title.english, "title_zh": sample.title.chinese, "file": binary.name}
        index.append({name: value for name, value in told.items() if name != "payload"})
    written.append(_put(out / "samples" / "index.json", _pretty(index)))
    written.append(_put(out / "checks.json", _pretty(_listed())))
    sums = "".join(f"{_digest(path)}  {path.relative_to(out).as_posix()}\n" for path in sorted(written))
    return [*sorted(written), _put(out / "SHA256SUMS", sums.encode())]


def _contracts() -> list[Path]:
    return sorted((_ROOT / "protos").rglob("*.proto"))


def _pages() -> Path:
    folder = _ROOT / "docs"
    if not all((folder / name).is_file() for name in PAGES):
        raise PagesMissing(str(folder))
    return folder


def _copied(source: Path, target: Path) -> Path:
    return _put(target, source.read_bytes())


def _put(target: Path, content: bytes) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target


def _as_json(payload: bytes) -> str:
    """Returns a parcel as JSON; empty for bytes that are none."""
    try:
        parcel = parcel_pb2.Parcel.FromString(payload)
        return json_format.MessageToJson(parcel, preserving_proto_field_name=True, ensure_ascii=False) + "\n"
    except (DecodeError, json_format.Error):
        return ""


def _listed() -> list[dict[str, str]]:
    return [
        {
            "id": item.check_id,
            "side": str(item.face),
            "title_zh": item.title.chinese,
            "title": item.title.english,
            "requirement_zh": item.requirement.chinese,
            "requirement": item.requirement.english,
            "source": item.source,
        }
        for item in CHECKS.values()
        if item.face in Face
    ]


def _pretty(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
