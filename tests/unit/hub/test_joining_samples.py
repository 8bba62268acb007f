"""Trying a mapping on a sample: every row is mapped or refused with field and reason, and no path is told."""

import json

import pytest

from exchange_db.records import Violated
from hub.joining import samples
from tests.support.sources import ROOT

_PEER = "431222.platform"
_SHEET = (ROOT / "docs" / "examples" / "generic.csv").read_bytes()


def test_a_template_is_made_out_to_the_platform_and_maps_its_example() -> None:
    text = samples.template("generic", _PEER)
    assert f'issuer_id = "{_PEER}"' in text
    assert "431221" not in text
    found = samples.preview(text, _PEER, "cases.csv", _SHEET)
    assert found.mapped_count > 0
    assert found.rows[0].fields[0][0] == "case_no"


def test_rows_of_json_are_tried_and_a_refused_one_names_field_and_reason() -> None:
    import csv
    import io

    rows = list(csv.DictReader(io.StringIO(_SHEET.decode("utf-8-sig"))))[:2]
    rows[1]["状态"] = "不知道"
    found = samples.preview(samples.template("generic", _PEER), _PEER, "rows.json", json.dumps(rows).encode())
    assert (found.mapped_count, found.refused_count) == (1, 1)
    violation = found.rows[1].violation
    assert violation is not None
    assert (violation.reason, violation.field_path) == ("VALUE_UNMAPPED", "case.report.state")


@pytest.mark.parametrize(
    ("text", "name", "content", "reason"),
    [
        ("version = 1\n", "a.csv", b"x\n1\n", "MAPPING_UNUSABLE"),
        ("= nonsense", "a.csv", b"x\n1\n", "MAPPING_UNUSABLE"),
        (samples.template("generic", "431223.platform"), "a.csv", b"x\n1\n", "MAPPING_UNUSABLE"),
        (samples.template("generic", _PEER), "a.json", b"{}", "SAMPLE_INVALID"),
        (samples.template("generic", _PEER), "a.xlsx", b"PK\x03\x04 nothing", "SAMPLE_INVALID"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words_without_a_path(
    text: str, name: str, content: bytes, reason: str
) -> None:
    with pytest.raises(Violated) as refused:
        samples.preview(text, _PEER, name, content)
    violation = refused.value.violation
    assert violation.reason == reason
    assert "/tmp" not in violation.message_zh + violation.message


@pytest.mark.parametrize(("name", "content"), [("a.exe", b"1"), ("", b"1"), ("a.csv", b""), ("a.csv", b"1" * 700_001)])
def test_a_sample_has_a_known_kind_and_size(name: str, content: bytes) -> None:
    with pytest.raises(Violated, match="SAMPLE_INVALID"):
        samples.require_sample(name, content)
