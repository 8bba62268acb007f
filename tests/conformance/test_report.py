"""The report, its proof, and the kit that is shipped."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from typer.testing import CliRunner

from conformance.checks import CHECKS, Broken, Face, Finding, Trial, Verdict, checks_of
from conformance.kit import PAGES, samples, write_kit
from conformance.page import page_of
from conformance.report import Report, Run, report_of, verify_report, write_report
from conformance.running import Cleared
from conformance.scene import Terms
from exchange_db.records import Violated
from hub.cli import conformance as command
from hub.cli import conformance_platform
from hub.cli.app import app
from protos.exchange.v1 import receipt_pb2
from tests.support.builders import COUNTY
from tests.support.sound_hub import SoundHub
from tests.support.tested import Trust, make_trust

#: Modules whose commands are run.
COMMANDS = (command, conformance_platform)
_NOON = datetime(2026, 6, 15, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return make_trust(tmp_path_factory.mktemp("trust"))


def _findings() -> list[Finding]:
    items = checks_of(Face.HUB)
    trial = Trial()
    trial.do("报送 <b>一条</b>")
    with pytest.raises(Broken):
        trial.expect_equal("outcome", "REFUSED", "DURABLE & <script>")
    return [items[0].found(Verdict.PASSED, Trial()), items[-1].found(Verdict.FAILED, trial)]


def _report() -> Report:
    now = datetime.now(UTC)
    run = Run(Face.HUB, "431200.hub", "h:1", COUNTY, "1a2b", "SANJI-TEST", "431221", now, now)
    return report_of(run, _findings(), Cleared(3, 1, ("SANJI-TEST-1a2b-0007",)))


def _written(trust: Trust) -> bytes:
    certificate, key = trust.pair("county")
    return write_report(_report(), certificate.read_bytes(), key.read_bytes())


def test_a_report_is_proved_as_it_was_signed_and_by_whom(trust: Trust) -> None:
    verified = verify_report(_written(trust), trust.authority.certificate)
    assert (verified.signer_id, verified.is_trusted) == (COUNTY, True)
    assert not verified.report.is_passed
    assert verified.report.counts["failed"] == 1
    assert not verify_report(_written(trust)).is_trusted


@pytest.mark.parametrize("path", ["is_passed", "findings", "subject_id", "open_cases"])
def test_a_report_that_was_altered_in_any_place_is_not_believed(trust: Trust, path: str) -> None:
    values = json.loads(_written(trust))
    altered: dict[str, Any] = {"is_passed": True, "findings": [], "subject_id": "431300.hub", "open_cases": []}
    values["report"][path] = altered[path]
    with pytest.raises(Violated, match="SIGNATURE_INVALID"):
        verify_report(json.dumps(values).encode(), trust.authority.certificate)


def test_a_report_signed_by_a_stranger_or_unreadable_is_not_believed(trust: Trust, tmp_path: Path) -> None:
    strange = make_trust(tmp_path)
    with pytest.raises(Violated, match="SIGNATURE_INVALID"):
        verify_report(_written(strange), trust.authority.certificate)
    for content in (b"", b"{}", b"\xff", b'{"report":{},"signature":"!","certificates":""}'):
        with pytest.raises(Violated, match="SIGNATURE_INVALID"):
            verify_report(content)


def test_nothing_tried_is_not_passed() -> None:
    untried = [item.found(Verdict.NOT_TRIED, Trial()) for item in checks_of(Face.HUB)]
    run = Run(Face.HUB, "431200.hub", "h:1", COUNTY, "1a2b", "T", "431221", _NOON, _NOON)
    assert not report_of(run, untried, Cleared(0, 0, ())).is_passed


def test_the_page_needs_nothing_else_and_shows_what_came_as_text() -> None:
    page = page_of(_report())
    assert "未通过" in page
    assert "SANJI-TEST-1a2b-0007" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "src=" not in page
    assert "@media print" in page
    empty = structs.replace(_report(), findings=(), subject_id="")
    assert "一致性检验报告" in page_of(empty)


def test_every_check_says_what_it_asks_for_in_both_languages_and_where_that_is_documented() -> None:
    root = Path(__file__).resolve().parents[2]
    for item in CHECKS.values():
        assert all((*item.title, *item.requirement))
        assert (root / item.source).is_file(), item.source


async def test_the_samples_get_the_answers_that_their_index_says(trust: Trust, tmp_path: Path) -> None:
    terms = Terms(COUNTY, "431221")
    files = write_kit(tmp_path / "kit", terms)
    index = json.loads((tmp_path / "kit" / "samples" / "index.json").read_text(encoding="utf-8"))
    assert len(index) > 50
    hub = SoundHub(trust.folder, trust.registered)
    for sample in index:
        taken = hub.take(COUNTY, (tmp_path / "kit" / "samples" / sample["file"]).read_bytes())
        outcome = receipt_pb2.Outcome.Name(taken.outcome).removeprefix("OUTCOME_")
        told = (outcome, taken.violation.reason, taken.violation.field_path)
        assert told == (sample["outcome"], sample["reason"], sample["field_path"]), sample["name"]
        if sample["state"]:
            assert receipt_pb2.BusinessState.Name(taken.state) == f"BUSINESS_STATE_{sample['state']}", sample["name"]
    again = write_kit(tmp_path / "again", terms)
    assert [path.read_bytes() for path in files] == [path.read_bytes() for path in again]


def test_the_kit_is_whole_and_its_digests_fit(tmp_path: Path) -> None:
    out = tmp_path / "kit"
    write_kit(out, Terms(COUNTY, "431221"))
    lines = [line.partition("  ") for line in (out / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, _, name in lines}
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert sums.keys() == there
    assert all(hashlib.sha256((out / name).read_bytes()).hexdigest() == digest for name, digest in sums.items())
    assert {f"docs/{name}" for name in PAGES} <= there
    assert "protos/exchange/v1/exchange_service.proto" in there
    with pytest.raises(FileExistsError):
        write_kit(out, Terms(COUNTY, "431221"))
    assert len(list(samples(Terms(COUNTY, "431221")))) == len(json.loads((out / "samples" / "index.json").read_text()))


def _sanji(*words: object) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["conformance", *map(str, words)], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return ran.exit_code, ran.output


def test_a_report_that_names_failures_is_told_and_a_forged_one_ends_with_1(trust: Trust, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(_written(trust))
    code, told = _sanji("verify", file, "--authority", trust.folder / "authority.pem")
    assert (code, "未通过" in told, "成立" in told) == (0, True, True)
    file.write_bytes(_written(trust).replace(b'"is_passed": false', b'"is_passed": true'))
    code, told = _sanji("verify", file)
    assert (code, "不成立" in told) == (1, True)


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("--only", "nothing"), "nothing"),
        (("--target", "127.0.0.1:1"), "--to"),
        (("--to", "nowhere"), "nowhere"),
        (("verify", "nowhere.json"), "无法读取"),
        (("kit", "--out", "kit", "--region", "430000"), "县级区划"),
    ],
)
def test_what_was_asked_wrongly_is_told_in_words(
    words: tuple[str, ...], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, told = _sanji(*words)
    assert (code, word in told) == (2, True), told


def test_the_checks_are_listed(tmp_path: Path) -> None:
    code, told = _sanji("checks", "--json")
    assert code == 0
    assert {row["id"] for row in json.loads(told)} == set(CHECKS)
    code, told = _sanji("kit", "--out", tmp_path / "kit", "--zip")
    assert (code, (tmp_path / "kit.zip").is_file()) == (0, True), told


def test_a_hub_that_is_not_there_is_told(trust: Trust, tmp_path: Path) -> None:
    certificate, key = trust.pair("county")
    code, told = _sanji(
        "--target", "127.0.0.1:1", "--hub-id", "431200.hub", "--authority", trust.folder / "authority.pem",
        "--certificate", certificate, "--key", key, "--out", tmp_path,
    )  # fmt: skip
    assert (code, "无法检验" in told) == (2, True), told
