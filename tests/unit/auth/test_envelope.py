"""The envelope of a batch: what was signed is taken, and everything else is refused with its reason."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auth import signatures
from auth.batch_keys import Algorithm, SigningKey, SigningKeyUnusable, VerifyingKey, read_signing_key
from auth.certificates import issue, make_authority
from auth.envelope import Batch, Sealer, Statement, read_statement, require_sealed
from auth.hash_tree import TreeDigest, inclusion_proof, is_included
from auth.key_cards import PURPOSE, read_card, write_card
from exchange_db.records import Violated
from exchange_db.seal_records import KeptSeal, Seal

NOW = 1_760_000_000_000_000
SECOND = 1_000_000
KEYS = {algorithm: SigningKey.generate(algorithm) for algorithm in Algorithm}
PUBLIC = {key.public.key_id: key.public for key in KEYS.values()}
PAYLOADS = [f"record {number}".encode() for number in range(7)]
BATCH = Batch("431221.platform", "431200.hub", "cases", 11, PAYLOADS)


def _sealed(*algorithms: Algorithm, **changed: Any) -> list[Seal]:
    now = changed.get("now", NOW)
    sealer = Sealer(changed.get("sender", BATCH.sender), [KEYS[name] for name in algorithms], lambda: now)
    return sealer(
        changed.get("receiver", BATCH.receiver),
        changed.get("stream", BATCH.stream),
        changed.get("first", BATCH.first_sequence),
        changed.get("payloads", PAYLOADS),
        algorithms,
    )


def _refusal(seals: list[Seal], required: tuple[str, ...] = ("SM2-SM3",), keys: Any = PUBLIC, now: int = NOW) -> str:
    with pytest.raises(Violated) as caught:
        require_sealed(BATCH, seals, required, keys, now)
    assert caught.value.violation.field_path == "batch.signatures"
    return f"{caught.value.violation.reason} {caught.value.violation.message}"


@pytest.mark.parametrize("algorithms", [*((name,) for name in Algorithm), tuple(Algorithm)], ids="+".join)
def test_a_signed_batch_is_taken_and_each_record_is_provable(algorithms: tuple[Algorithm, ...]) -> None:
    kept = require_sealed(BATCH, _sealed(*algorithms), algorithms, PUBLIC, NOW)
    assert [seal.algorithm for seal in kept] == list(algorithms)
    for seal in kept:
        statement = read_statement(seal.seal.statement)
        leaves = [seal.leaves[start : start + 32] for start in range(0, len(seal.leaves), 32)]
        for index in range(len(PAYLOADS)):
            path = inclusion_proof(statement.digest, leaves, index)
            assert is_included(statement.digest, leaves[index], index, len(leaves), path, statement.root)


def test_what_nobody_demands_is_judged_where_it_can_be() -> None:
    assert require_sealed(BATCH, [], (), {}, NOW) == []
    assert require_sealed(BATCH, [], (), PUBLIC, NOW) == []
    assert len(require_sealed(BATCH, _sealed(Algorithm.ES256), (), PUBLIC, NOW)) == 1
    assert require_sealed(BATCH, _sealed(Algorithm.ES256), (), {}, NOW) == []
    assert require_sealed(BATCH, _other_key(), (), PUBLIC, NOW) == []
    assert "root" in _refusal(_sealed(Algorithm.ES256, payloads=PAYLOADS[::-1]), required=())


def test_where_both_are_required_one_is_not_enough() -> None:
    both = ("ES256", "SM2-SM3")
    assert len(require_sealed(BATCH, _sealed(Algorithm.ES256, Algorithm.SM2_SM3), both, PUBLIC, NOW)) == 2
    assert _refusal(_sealed(Algorithm.ES256), both).startswith("BATCH_UNSIGNED")
    assert "signed with SM2-SM3." in _refusal(_sealed(Algorithm.ES256), both)
    assert "signed with ES256 + SM2-SM3." in _refusal([], both)


def _other_key(_: None = None) -> list[Seal]:
    sealer = Sealer(BATCH.sender, [SigningKey.generate(Algorithm.SM2_SM3)], lambda: NOW)
    return sealer(BATCH.receiver, BATCH.stream, BATCH.first_sequence, PAYLOADS, ())


def _with(change: Callable[[Statement], Statement]) -> list[Seal]:
    """A statement that was changed and then signed, as a sender with its own key could."""
    statement = change(read_statement(_sealed(Algorithm.SM2_SM3)[0].statement)).framed()
    return [Seal(statement, KEYS[Algorithm.SM2_SM3].sign(statement))]


def _bent(seal: Seal) -> list[Seal]:
    return [Seal(seal.statement, seal.signature[:-1] + bytes([seal.signature[-1] ^ 1]))]


GOOD = _sealed(Algorithm.SM2_SM3)[0]
WRONG = {
    "missing": ([], "BATCH_UNSIGNED"),
    "other algorithm": (_sealed(Algorithm.ES256), "BATCH_UNSIGNED"),
    "bent signature": (_bent(GOOD), "BATCH_SIGNATURE_INVALID"),
    "cut signature": ([Seal(GOOD.statement, GOOD.signature[:-1])], "BATCH_SIGNATURE_INVALID"),
    "empty signature": ([Seal(GOOD.statement, b"")], "BATCH_SIGNATURE_INVALID"),
    "zero signature": ([Seal(GOOD.statement, bytes(64))], "BATCH_SIGNATURE_INVALID"),
    "key nobody registered": (_other_key(), "BATCH_KEY_UNKNOWN"),
    "another sender": (_sealed(Algorithm.SM2_SM3, sender="431222.platform"), "BATCH_SIGNATURE_INVALID"),
    "another receiver": (_sealed(Algorithm.SM2_SM3, receiver="430000.hub"), "BATCH_SIGNATURE_INVALID"),
    "another stream": (_sealed(Algorithm.SM2_SM3, stream="other"), "BATCH_SIGNATURE_INVALID"),
    "another place": (_sealed(Algorithm.SM2_SM3, first=18), "BATCH_SIGNATURE_INVALID"),
    "fewer records": (_sealed(Algorithm.SM2_SM3, payloads=PAYLOADS[:-1]), "BATCH_SIGNATURE_INVALID"),
    "other records": (_sealed(Algorithm.SM2_SM3, payloads=PAYLOADS[::-1]), "BATCH_SIGNATURE_INVALID"),
    "expired": (_sealed(Algorithm.SM2_SM3, now=NOW - 600 * SECOND), "BATCH_SIGNATURE_EXPIRED"),
    "from the future": (_sealed(Algorithm.SM2_SM3, now=NOW + 301 * SECOND), "BATCH_SIGNATURE_EXPIRED"),
    "for ever": (_with(lambda told: told._replace(end_time=NOW + 90_000 * SECOND)), "BATCH_SIGNATURE_EXPIRED"),
    "digest of another kind": (_with(lambda told: told._replace(digest=TreeDigest.SHA256)), "BATCH_SIGNATURE_INVALID"),
    "algorithm of another kind": (_with(lambda told: told._replace(algorithm=Algorithm.ES256)), "BATCH_SIGNATURE"),
    "root of another length": (_with(lambda told: told._replace(root=b"")), "BATCH_SIGNATURE_INVALID"),
    "a line more": ([Seal(GOOD.statement + b"more: 1\n", GOOD.signature)], "BATCH_SIGNATURE_INVALID"),
    "a line less": ([Seal(GOOD.statement.rsplit(b"key", 1)[0], GOOD.signature)], "BATCH_SIGNATURE_INVALID"),
    "another purpose": ([Seal(GOOD.statement.replace(b"statement 1", b"statement 2"), b"")], "BATCH_SIGNATURE_INVALID"),
    "a number written otherwise": ([Seal(GOOD.statement.replace(b"11", b"011"), b"")], "BATCH_SIGNATURE_INVALID"),
    "no text": ([Seal(b"\xff" * 40, GOOD.signature)], "BATCH_SIGNATURE_INVALID"),
    "a long text": ([Seal(GOOD.statement + b" " * 1_024, GOOD.signature)], "BATCH_SIGNATURE_INVALID"),
    "too many": ([GOOD] * 5, "BATCH_SIGNATURE_INVALID"),
}


@pytest.mark.parametrize(("seals", "reason"), WRONG.values(), ids=WRONG.keys())
def test_what_was_not_signed_so_is_refused_with_its_reason(seals: list[Seal], reason: str) -> None:
    assert len(require_sealed(BATCH, [GOOD], ("SM2-SM3",), PUBLIC, NOW)) == 1
    assert _refusal(seals).startswith(reason)


def test_the_same_key_word_for_another_algorithm_is_no_key() -> None:
    impostor = {KEYS[Algorithm.SM2_SM3].public.key_id: KEYS[Algorithm.ES256].public}
    assert _refusal([GOOD], keys=impostor).startswith("BATCH_KEY_UNKNOWN")


def test_a_statement_says_what_it_is_in_plain_lines() -> None:
    lines = GOOD.statement.decode().splitlines()
    assert lines[0] == "sanji batch statement 1"
    assert lines[1:6] == [
        "sender: 431221.platform", "receiver: 431200.hub", "stream: cases", "first: 11", "last: 17",
    ]  # fmt: skip
    kept: KeptSeal = require_sealed(BATCH, [GOOD], (), PUBLIC, NOW)[0]
    assert (kept.first_sequence, kept.last_sequence, kept.seal) == (11, 17, GOOD)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_keys_are_written_for_their_owner_only_and_read_again(algorithm: Algorithm, tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    KEYS[algorithm].write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again = read_signing_key(path)
    assert again.public.key_id == KEYS[algorithm].public.key_id
    assert VerifyingKey(again.public.der).verify(b"x", again.sign(b"x"))
    assert again.public.pem().startswith(b"-----BEGIN PUBLIC KEY-----")
    with pytest.raises(FileExistsError):
        KEYS[algorithm].write(path)
    with pytest.raises(SigningKeyUnusable, match="sanji keys signing"):
        read_signing_key(tmp_path / "missing")
    path.write_bytes(b"nonsense")
    with pytest.raises(SigningKeyUnusable, match="cannot be used"):
        read_signing_key(path)


MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
AUTHORITY = make_authority("一级", MOMENT)
OWNER = issue(AUTHORITY, "431221.platform", MOMENT)


def _card(**changed: Any) -> bytes:
    return write_card(
        changed.get("platform_id", "431221.platform"),
        changed.get("key", KEYS[Algorithm.SM2_SM3].public),
        MOMENT,
        MOMENT + timedelta(days=365),
        MOMENT,
        OWNER.certificate,
        OWNER.key,
    )


def test_a_card_leads_from_the_key_to_the_authority() -> None:
    card = read_card(_card(), AUTHORITY.certificate)
    assert card.platform_id == "431221.platform"
    assert card.key.key_id == KEYS[Algorithm.SM2_SM3].public.key_id
    assert (card.begin_time, card.end_time) == (MOMENT, MOMENT + timedelta(days=365))
    with pytest.raises(ValueError, match="before it begins"):
        write_card("431221.platform", card.key, MOMENT, MOMENT, MOMENT, OWNER.certificate, OWNER.key)


BAD_CARDS = {
    "for somebody else": _card(platform_id="431222.platform"),
    "changed": _card().replace(b"431221", b"431222", 1),
    "longer": _card().replace(b"2027", b"2037", 1),
    "other key": _card().replace(b"public: MFk", b"public: MFl", 1),
    "no key": _card().replace(b"public: M", b"public: !", 1),
    "no JSON": b"nonsense",
    "other JSON": b'{"card": "x", "signature": "", "certificates": ""}',
    "a field more": _card().replace(b'"card"', b'"more": 1, "card"', 1),
    "too long": _card() + b" " * 90_000,
}


@pytest.mark.parametrize("content", BAD_CARDS.values(), ids=BAD_CARDS.keys())
def test_a_card_of_another_content_or_owner_is_refused(content: bytes) -> None:
    assert read_card(_card(), AUTHORITY.certificate).platform_id == "431221.platform"
    with pytest.raises(Violated) as caught:
        read_card(content, AUTHORITY.certificate)
    assert caught.value.violation.reason == "KEY_CARD_INVALID"


def test_a_card_of_another_authority_or_purpose_is_refused() -> None:
    with pytest.raises(Violated, match="KEY_CARD_INVALID"):
        read_card(_card(), make_authority("另一", MOMENT).certificate)
    other = signatures.sign(f"not {PURPOSE}", b"", OWNER.certificate, OWNER.key)
    assert signatures.signer_of(f"not {PURPOSE}", other, AUTHORITY.certificate, MOMENT) == "431221.platform"
    with pytest.raises(Violated, match="SIGNATURE_INVALID"):
        signatures.signer_of(PURPOSE, other, AUTHORITY.certificate, MOMENT)
