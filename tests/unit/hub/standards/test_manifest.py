"""Manifests: one form only, and no field can be changed without being noticed."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from exchange_db.records import Violated
from hub.standards.manifest import (
    Document,
    Manifest,
    Stage,
    digest_of,
    next_version,
    read_manifest,
    version_key,
    write_manifest,
)
from hub.standards.releases import verified
from tests.support.clock import NOON
from tests.support.signed_releases import AUTHORITY, CODES, a_document, a_manifest, signed_by

HUNAN = 430000
MANIFEST = a_manifest(
    stages=(Stage("430000", NOON + 1), Stage("431200", NOON + 2)), title="代码表", note="第一行\n第二行"
)
SIGNED = signed_by(MANIFEST)
DIGEST = digest_of(SIGNED.content)


def _reason(manifest: Manifest, *, is_draft: bool = False) -> tuple[str, str]:
    with pytest.raises(Violated) as refused:
        read_manifest(write_manifest(manifest), is_draft=is_draft)
    return refused.value.violation.reason, refused.value.violation.field_path


def test_a_manifest_is_written_in_one_form_and_read_back() -> None:
    content = write_manifest(MANIFEST)
    assert read_manifest(content) == MANIFEST
    assert (
        content == json.dumps(json.loads(content), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda text: " " + text,
        lambda text: text.replace('"form":1', '"form": 1'),
        lambda text: text.replace('"form":1', '"form":1,"form":1'),
        lambda text: text.replace('"form":1', '"form":2'),
        lambda text: text.replace('"form":1', '"form":1,"further":1'),
        lambda text: text.replace('"title":"代码表"', '"title":"\\u4ee3码表"'),
        lambda text: text[:-1],
        lambda text: "[" * 20_000,
        lambda text: "null",
        lambda text: "",
    ],
)
def test_another_form_is_refused(change: Any) -> None:
    text = write_manifest(MANIFEST).decode()
    changed = change(text)
    assert changed != text
    with pytest.raises(Violated) as refused:
        read_manifest(changed.encode())
    assert refused.value.violation.reason == "RELEASE_UNREADABLE"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"publisher_id": "hub"}, "publisher_id"),
        ({"name": " GB"}, "name"),
        ({"name": "GB\u202e"}, "name"),
        ({"title": "a\x00b"}, "title"),
        ({"note": "a\x07"}, "note"),
        ({"supersedes": "1"}, "supersedes"),
        ({"version": "2", "supersedes": "2.0"}, "supersedes"),
        ({"publisher_id": "430000.hub", "stages": (Stage("441200", NOON),)}, "stages[0].region_code"),
        ({"stages": (Stage("431200", NOON), Stage("430000", NOON))}, "stages[1].region_code"),
        ({"stages": (Stage("431200", NOON), Stage("431200", NOON))}, "stages[1].region_code"),
        ({"documents": (a_document(name="../x"),)}, "documents[0].name"),
        ({"documents": (a_document(name=".x"),)}, "documents[0].name"),
        ({"documents": (a_document(name="b"), a_document(name="a"))}, "documents[1].name"),
        ({"withdraws": "1", "version": "2", "supersedes": "1", "documents": (a_document(),)}, "documents"),
        ({"withdraws": "1", "version": "2"}, "withdraws"),
        ({"withdraws": "3", "version": "2", "supersedes": "1"}, "withdraws"),
    ],
)
def test_a_field_that_does_not_fit_is_named(changes: dict[str, Any], path: str) -> None:
    assert _reason(a_manifest(**changes)) == ("FIELD_INVALID", path)


@pytest.mark.parametrize("version", ["", "v1", "01", "1.", "1.2.3.4.5", "1\n", "-1", "1234567890"])
def test_a_version_is_one_to_four_numbers(version: str) -> None:
    assert _reason(a_manifest(version=version)) == ("RELEASE_UNREADABLE", "version")


def test_a_release_has_documents_a_time_and_a_publisher_above_the_counties() -> None:
    assert _reason(a_manifest(documents=())) == ("FIELD_MISSING", "documents")
    assert _reason(a_manifest(published_time=0)) == ("FIELD_MISSING", "published_time")
    assert read_manifest(write_manifest(a_manifest(published_time=0)), is_draft=True).published_time == 0
    assert _reason(a_manifest("431221.hub")) == ("RELEASE_FORBIDDEN", "publisher_id")


@given(st.lists(st.lists(st.integers(0, 999_999_999), min_size=1, max_size=4), min_size=2, max_size=2))
def test_versions_compare_by_their_numbers(pair: list[list[int]]) -> None:
    one, other = (".".join(map(str, numbers)) for numbers in pair)
    padded = [numbers + [0] * (4 - len(numbers)) for numbers in pair]
    assert (version_key(one) < version_key(other)) is (padded[0] < padded[1])
    assert version_key("") <= version_key(one) < version_key(next_version(one))


def _verified(signed: Any, digest: str = "", region: int = HUNAN, now: int = NOON) -> Manifest:
    return verified(signed, digest or digest_of(signed.content), AUTHORITY.certificate, region, now)


def test_a_release_that_is_what_it_says_is_taken() -> None:
    assert _verified(SIGNED) == MANIFEST
    assert _verified(signed_by(a_manifest("430000.hub")), region=431221).publisher_id == "430000.hub"


_CHANGED: dict[str, Any] = {
    "publisher_id": st.sampled_from(["430000.hub", "000000.platform", "430100.hub"]),
    "kind": st.sampled_from(["crosswalk", "calendar"]),
    "name": st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20),
    "version": st.sampled_from(["2", "1.1", "9.9.9"]),
    "supersedes": st.sampled_from(["0", "0.9"]),
    "withdraws": st.sampled_from(["0", "1"]),
    "title": st.just("别的"),
    "note": st.text(max_size=5),
    "is_extension": st.just(True),
    "published_time": st.integers(1, NOON - 1),
    "effective_time": st.integers(0, NOON - 1),
    "stages": st.sampled_from([(), (Stage("430000", NOON + 1),), (Stage("440000", NOON),)]),
    "documents": st.sampled_from(
        [(), (a_document(CODES + b"x"),), (Document("codes.csv", digest_of(CODES), len(CODES) + 1),)]
    ),
}


@given(st.data())
def test_whatever_field_is_changed_the_signature_no_longer_holds(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(_CHANGED)))
    changed = structs.replace(MANIFEST, **{name: data.draw(_CHANGED[name])})
    assert changed != MANIFEST
    content = write_manifest(changed)
    with pytest.raises(Violated) as as_listed:
        _verified(SIGNED._replace(content=content), DIGEST)
    assert as_listed.value.violation.reason == "RELEASE_DAMAGED"
    with pytest.raises(Violated) as listed_anew:
        _verified(SIGNED._replace(content=content))
    assert listed_anew.value.violation.reason in {"SIGNATURE_INVALID", "FIELD_INVALID", "FIELD_MISSING"}


def test_the_fields_that_are_changed_are_all_there_are() -> None:
    assert _CHANGED.keys() | {"form"} == set(Manifest.__struct_fields__)


def test_a_release_is_taken_from_the_own_line_in_own_name_only() -> None:
    for signed, region, reason in (
        (signed_by(a_manifest("430000.hub")), 440000, "RELEASE_FORBIDDEN"),
        (signed_by(a_manifest("431200.hub")), 430000, "RELEASE_FORBIDDEN"),
        (signed_by(MANIFEST, "430000.hub"), HUNAN, "RELEASE_FORBIDDEN"),
        (signed_by(MANIFEST, "000000.other"), HUNAN, "RELEASE_FORBIDDEN"),
        (signed_by(a_manifest(published_time=NOON + 301_000_000)), HUNAN, "CLOCK_SKEW"),
        (signed_by(a_manifest(published_time=NOON - 7_200_000_000)), HUNAN, "SIGNATURE_INVALID"),
    ):
        with pytest.raises(Violated) as refused:
            _verified(signed, region=region)
        assert refused.value.violation.reason == reason


def test_a_manifest_that_is_too_long_is_not_read() -> None:
    with pytest.raises(Violated) as refused:
        read_manifest(b" " * (256 * 1024 + 1))
    assert refused.value.violation.reason == "RELEASE_UNREADABLE"
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(write_manifest(a_manifest(note="x" * 2_001)), type=Manifest)
