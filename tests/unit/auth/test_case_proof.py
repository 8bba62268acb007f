"""The proof of a case: the rightful file holds; each way of tampering with it is refused for its own reason.

``bent`` changes the file and nothing else; ``resigned`` changes it and has the exporting hub sign it again, as a hub
that lies would: then the senders' seals must notice.
"""

import base64
import copy
import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auth import signatures
from auth.batch_keys import Algorithm, SigningKey
from auth.case_proof import PURPOSE, Passed, Proof, ProvedKey, ProvedRecord, ProvedSeal, verify_proof, write_proof
from auth.certificates import issue, make_authority
from auth.envelope import Sealer, read_statement
from auth.hash_tree import inclusion_proof, leaves_of
from auth.key_cards import write_card
from auth.sm import encoding
from exchange_db.records import Violated
from exchange_db.seal_records import Seal

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
NOW = round(MOMENT.timestamp()) * 1_000_000
SENDER, OTHER, HUB = "431221.platform", "431222.platform", "431200.hub"
AUTHORITY, STRANGERS = make_authority("签发机构", MOMENT), make_authority("另一机构", MOMENT)
CERTIFIED = {name: issue(AUTHORITY, name, MOMENT) for name in (SENDER, OTHER, HUB, "430000.hub")}
KEYS = {algorithm: SigningKey.generate(algorithm) for algorithm in (Algorithm.SM2_SM3, Algorithm.ES256)}
#: A batch of the sender, ours at 12 and 14; the others are of other cases.
PARCELS = [f"{SENDER}/{'X-1' if number in {1, 3} else f'Y-{number}'} {number}".encode() for number in range(5)]
FIRST = 11


def _case_of(parcel: bytes) -> tuple[str, str] | None:
    issuer, _, rest = parcel.decode(errors="replace").partition("/")
    return (issuer, rest.split(" ", maxsplit=1)[0]) if rest else None


def _card(owner: str = SENDER, algorithm: Algorithm = Algorithm.SM2_SM3, days: int = 365) -> str:
    certified, key = CERTIFIED[owner], KEYS[algorithm].public
    begin = MOMENT - timedelta(days=1)
    return write_card(
        owner, key, begin, begin + timedelta(days=days), MOMENT, certified.certificate, certified.key
    ).decode()


def _proved(seals: list[Seal], index: int) -> tuple[ProvedSeal, ...]:
    proved = []
    for seal in seals:
        leaves = leaves_of(read_statement(seal.statement).digest, PARCELS)
        path = inclusion_proof(read_statement(seal.statement).digest, leaves, index)
        signature = base64.b64encode(seal.signature).decode()
        proved.append(ProvedSeal(seal.statement.decode(), signature, tuple(node.hex() for node in path)))
    return tuple(proved)


def _seals(sender: str = SENDER, receiver: str = HUB, stream: str = "cases", now: int = NOW) -> list[Seal]:
    return Sealer(sender, list(KEYS.values()), lambda: now)(receiver, stream, FIRST, PARCELS, list(KEYS))


def _record(index: int, seals: list[Seal]) -> ProvedRecord:
    parcel = base64.b64encode(PARCELS[index]).decode()
    return ProvedRecord(SENDER, "cases", FIRST + index, NOW + 5, parcel, "applied", "", NOW + 9, _proved(seals, index))


SEALS = _seals()
PROOF = Proof(
    PURPOSE,
    HUB,
    NOW + 1_000_000,
    SENDER,
    "X-1",
    "closed",
    2,
    (_record(1, SEALS), _record(3, SEALS)),
    tuple(ProvedKey(KEYS[name].public.key_id, _card(algorithm=name), 0) for name in KEYS),
    (Passed("430000.hub", 7, is_accepted=True, is_settled=False),),
)
HUB_CERTIFIED = CERTIFIED[HUB]
FILE = write_proof(PROOF, HUB_CERTIFIED.certificate, HUB_CERTIFIED.key)
Change = Callable[[Any], Any]


def _changed(change: Change) -> Any:
    told = json.loads(FILE)
    change(told)
    return told


def _bent(change: Change) -> bytes:
    """The file with a change, as anybody could make one."""
    return json.dumps(_changed(change), ensure_ascii=False).encode()


def _resigned(change: Change, signer: str = HUB) -> bytes:
    """The file with a change of what is proved, signed again."""
    proof = msgspec.convert(_changed(lambda told: change(told["proof"]))["proof"], Proof)
    return write_proof(proof, CERTIFIED[signer].certificate, CERTIFIED[signer].key)


def _put(*path: str | int, value: Any) -> Change:
    def change(told: Any) -> None:
        for step in path[:-1]:
            told = told[step]
        told[path[-1]] = value

    return change


def _seal_of(change: Callable[[ProvedSeal], ProvedSeal], place: int = 0) -> bytes:
    records = list(PROOF.records)
    seals = list(records[0].seals)
    seals[place] = change(seals[place])
    records[0] = msgspec.structs.replace(records[0], seals=tuple(seals))
    proof = msgspec.structs.replace(PROOF, records=tuple(records))
    return write_proof(proof, HUB_CERTIFIED.certificate, HUB_CERTIFIED.key)


def _other_seals(**changed: Any) -> bytes:
    """Records with seals made for something else, everything signed again."""
    seals = _seals(**changed)
    proof = msgspec.structs.replace(PROOF, records=(_record(1, seals), _record(3, seals)))
    return write_proof(proof, HUB_CERTIFIED.certificate, HUB_CERTIFIED.key)


def _swap(told: Any) -> None:
    first, second = told["records"]
    first["parcel"], second["parcel"] = second["parcel"], first["parcel"]


def _drop(told: Any) -> None:
    del told["records"][0]


def _double(told: Any) -> None:
    told["records"][1] = copy.deepcopy(told["records"][0])


B64 = base64.b64encode(PARCELS[1] + b" more").decode()
STRANGER = issue(STRANGERS, HUB, MOMENT)
TAMPERED: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"nonsense", "EVIDENCE_UNREADABLE"),
    "cut short": (FILE[: len(FILE) // 2], "EVIDENCE_UNREADABLE"),
    "a field more": (_bent(_put("proof", "more", value=1)), "EVIDENCE_UNREADABLE"),
    "a field less": (_bent(lambda told: told["proof"].pop("case_state")), "EVIDENCE_UNREADABLE"),
    "another form": (_resigned(_put("form", value="sanji case proof 2")), "EVIDENCE_UNREADABLE"),
    "signature no base64": (_bent(_put("signature", value="!")), "EVIDENCE_UNREADABLE"),
    "a state of the case": (_bent(_put("proof", "case_state", value="voided")), "EVIDENCE_ALTERED"),
    "a receipt": (_bent(_put("proof", "records", 0, "state", value="quarantined")), "EVIDENCE_ALTERED"),
    "a time of receipt": (_bent(_put("proof", "records", 0, "received_time", value=NOW + 6)), "EVIDENCE_ALTERED"),
    "a parcel": (_bent(_put("proof", "records", 0, "parcel", value=B64)), "EVIDENCE_ALTERED"),
    "a record dropped": (_bent(lambda told: _drop(told["proof"])), "EVIDENCE_ALTERED"),
    "records in another order": (_bent(lambda told: told["proof"]["records"].reverse()), "EVIDENCE_ALTERED"),
    "seals removed": (_bent(_put("proof", "records", 0, "seals", value=[])), "EVIDENCE_ALTERED"),
    "a neighbour's acceptance": (_bent(_put("proof", "passed", 0, "is_settled", value=True)), "EVIDENCE_ALTERED"),
    "the signature of the file": (_bent(_put("signature", value="A" * 86 + "==")), "EVIDENCE_ALTERED"),
    "signature of another length": (_bent(_put("signature", value="AAAA")), "EVIDENCE_ALTERED"),
    "no certificates": (_bent(_put("certificates", value="")), "EVIDENCE_EXPORTER_UNKNOWN"),
    "signed by another hub": (_resigned(lambda _: None, "430000.hub"), "EVIDENCE_EXPORTER_UNKNOWN"),
    "signed by a stranger": (write_proof(PROOF, STRANGER.certificate, STRANGER.key), "EVIDENCE_EXPORTER_UNKNOWN"),
    "exported when nobody was certified": (_resigned(_put("exported_time", value=1)), "EVIDENCE_EXPORTER_UNKNOWN"),
    "exported at no time": (_resigned(_put("exported_time", value=2**62)), "EVIDENCE_UNREADABLE"),
    "a record dropped, signed again": (_resigned(_drop), "EVIDENCE_INCOMPLETE"),
    "a record twice, signed again": (_resigned(_double), "EVIDENCE_INCOMPLETE"),
    "no records at all": (
        _resigned(lambda told: told.update(records=[], record_count=0)),
        "EVIDENCE_INCOMPLETE",
    ),
    "a parcel, signed again": (_resigned(_put("records", 0, "parcel", value=B64)), "EVIDENCE_RECORD_UNPROVED"),
    "two parcels swapped, signed again": (_resigned(_swap), "EVIDENCE_RECORD_UNPROVED"),
    "a record of another case": (_resigned(_put("case_no", value="X-2")), "EVIDENCE_RECORD_UNPROVED"),
    "a parcel that is no case": (_resigned(_put("records", 0, "parcel", value="eA==")), "EVIDENCE_RECORD_UNPROVED"),
    "a parcel no base64": (_resigned(_put("records", 0, "parcel", value="!")), "EVIDENCE_UNREADABLE"),
    "another number": (_resigned(_put("records", 0, "sequence", value=FIRST)), "EVIDENCE_RECORD_UNPROVED"),
    "a number outside": (_resigned(_put("records", 0, "sequence", value=FIRST + 9)), "EVIDENCE_RECORD_UNPROVED"),
    "another sender": (_resigned(_put("records", 0, "sender", value=OTHER)), "EVIDENCE_RECORD_UNPROVED"),
    "another stream": (_resigned(_put("records", 0, "stream", value="other")), "EVIDENCE_RECORD_UNPROVED"),
    "a path cut": (
        _seal_of(lambda seal: msgspec.structs.replace(seal, path=seal.path[:-1])),
        "EVIDENCE_RECORD_UNPROVED",
    ),
    "a path of another": (
        _seal_of(lambda seal: msgspec.structs.replace(seal, path=PROOF.records[1].seals[0].path)),
        "EVIDENCE_RECORD_UNPROVED",
    ),
    "a path no hex": (_seal_of(lambda seal: msgspec.structs.replace(seal, path=("zz",))), "EVIDENCE_UNREADABLE"),
    "a batch for another hub": (_other_seals(receiver="430000.hub"), "EVIDENCE_RECORD_UNPROVED"),
    "a batch of another sender": (_other_seals(sender=OTHER), "EVIDENCE_RECORD_UNPROVED"),
    "a batch received after its end": (_other_seals(now=NOW - 3_600_000_000), "EVIDENCE_SIGNATURE_INVALID"),
    "a batch received before it was made": (_other_seals(now=NOW + 3_600_000_000), "EVIDENCE_SIGNATURE_INVALID"),
    "the statement": (
        _seal_of(lambda seal: msgspec.structs.replace(seal, statement=seal.statement.replace("last: 15", "last: 16"))),
        "EVIDENCE_SIGNATURE_INVALID",
    ),
    "no statement": (_seal_of(lambda seal: msgspec.structs.replace(seal, statement="")), "EVIDENCE_UNREADABLE"),
    "the sender's SM2 signature": (
        _seal_of(lambda seal: msgspec.structs.replace(seal, signature="A" * 86 + "==")),
        "EVIDENCE_SIGNATURE_INVALID",
    ),
    "the sender's ES256 signature": (
        _seal_of(lambda seal: msgspec.structs.replace(seal, signature="A" * 86 + "=="), 1),
        "EVIDENCE_SIGNATURE_INVALID",
    ),
    "signatures of the two keys swapped": (
        _seal_of(lambda seal: msgspec.structs.replace(seal, signature=PROOF.records[0].seals[1].signature)),
        "EVIDENCE_SIGNATURE_INVALID",
    ),
    "no key": (_resigned(lambda told: told["keys"].pop(0)), "EVIDENCE_KEY_INVALID"),
    "the card of somebody else": (_resigned(_put("keys", 0, "card", value=_card(OTHER))), "EVIDENCE_KEY_INVALID"),
    "the card of another key": (
        _resigned(_put("keys", 0, "card", value=_card(algorithm=Algorithm.ES256))),
        "EVIDENCE_KEY_INVALID",
    ),
    "a card that had ended": (_resigned(_put("keys", 0, "card", value=_card(days=1))), "EVIDENCE_KEY_INVALID"),
    "a card that was changed": (
        _resigned(_put("keys", 0, "card", value=_card().replace("2027", "2037", 1))),
        "EVIDENCE_KEY_INVALID",
    ),
    "a key that was withdrawn before": (
        _resigned(_put("keys", 0, "withdrawn_time", value=NOW)),
        "EVIDENCE_KEY_INVALID",
    ),
}


def _refusal(content: bytes, authorities: bytes = AUTHORITY.certificate) -> str:
    with pytest.raises(Violated) as caught:
        verify_proof(content, authorities, _case_of)
    return caught.value.violation.reason


def test_the_rightful_file_holds_and_names_keys() -> None:
    checked = verify_proof(FILE, AUTHORITY.certificate, _case_of)
    assert (checked.exporter, checked.is_trusted, checked.proof) == (HUB, True, PROOF)
    names = tuple(f"{name} {KEYS[name].public.key_id}" for name in KEYS)
    assert [finding.signed_with for finding in checked.findings] == [names, names]
    assert not verify_proof(FILE, b"", _case_of).is_trusted
    assert verify_proof(_resigned(lambda _: None), AUTHORITY.certificate, _case_of).proof == PROOF
    later = _resigned(_put("keys", 0, "withdrawn_time", value=NOW + 1))
    assert verify_proof(later, AUTHORITY.certificate, _case_of).exporter == HUB


def test_a_record_its_sender_did_not_sign_is_shown_as_such() -> None:
    content = _resigned(_put("records", 0, "seals", value=[]))
    assert verify_proof(content, AUTHORITY.certificate, _case_of).findings[0].signed_with == ()


def test_there_are_enough_ways() -> None:
    assert len(TAMPERED) >= 20
    assert {reason for _, reason in TAMPERED.values()} == {
        "EVIDENCE_UNREADABLE", "EVIDENCE_ALTERED", "EVIDENCE_EXPORTER_UNKNOWN", "EVIDENCE_INCOMPLETE",
        "EVIDENCE_RECORD_UNPROVED", "EVIDENCE_SIGNATURE_INVALID", "EVIDENCE_KEY_INVALID",
    }  # fmt: skip


@pytest.mark.parametrize(("content", "reason"), TAMPERED.values(), ids=TAMPERED.keys())
def test_what_was_tampered_with_is_refused_for_its_reason(content: bytes, reason: str) -> None:
    assert verify_proof(FILE, AUTHORITY.certificate, _case_of).is_trusted
    assert _refusal(content) == reason


NEEDS_AUTHORITY = ("signed by a stranger", "exported when nobody was certified")


@pytest.mark.parametrize("name", [name for name in TAMPERED if name not in NEEDS_AUTHORITY])
def test_without_an_authority_only_who_it_is_goes_unnoticed(name: str) -> None:
    content, reason = TAMPERED[name]
    assert _refusal(content, b"") == reason
    for stranger in NEEDS_AUTHORITY:
        assert not verify_proof(TAMPERED[stranger][0], b"", _case_of).is_trusted


def test_another_authority_knows_nobody() -> None:
    assert _refusal(FILE, STRANGERS.certificate) == "EVIDENCE_EXPORTER_UNKNOWN"


def test_a_signature_of_another_purpose_is_none() -> None:
    signed = signatures.sign("sanji release 1", PROOF.canonical(), HUB_CERTIFIED.certificate, HUB_CERTIFIED.key)
    assert _refusal(_bent(_put("signature", value=base64.b64encode(signed.signature).decode()))) == "EVIDENCE_ALTERED"


def test_openssl_verifies_the_sm2_signature_in_the_file(tmp_path: Path) -> None:
    told = json.loads(FILE)["proof"]
    seal = next(seal for seal in told["records"][0]["seals"] if "algorithm: SM2-SM3" in seal["statement"])
    card = json.loads(told["keys"][0]["card"])["card"]
    public = base64.b64decode(next(line for line in card.splitlines() if line.startswith("public: "))[8:])
    (tmp_path / "public").write_bytes(encoding.as_pem("PUBLIC KEY", public))
    (tmp_path / "statement").write_text(seal["statement"], encoding="utf-8")
    (tmp_path / "signature").write_bytes(encoding.signature_der(base64.b64decode(seal["signature"])))
    verifying: list[str | Path] = [
        shutil.which("openssl") or "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", tmp_path / "public",
        "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678",
        "-in", tmp_path / "statement", "-sigfile", tmp_path / "signature",
    ]  # fmt: skip
    assert b"Verified Successfully" in subprocess.run(verifying, check=True, capture_output=True).stdout
    (tmp_path / "statement").write_text(seal["statement"].replace("last: 15", "last: 16"), encoding="utf-8")
    assert subprocess.run(verifying, check=False, capture_output=True).returncode == 1
