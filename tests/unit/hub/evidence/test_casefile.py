"""Which seal proves a record: the one whose batch held its bytes under its number."""

from auth.batch_keys import Algorithm, SigningKey
from auth.envelope import Batch, Sealer, require_sealed
from exchange_db.case_evidence import HeldRecord
from exchange_db.receipts import APPLIED
from exchange_db.seal_records import KeptSeal
from hub.evidence.casefile import _fitting, case_of
from tests.support.builders import CITY, COUNTY, a_case, a_component, a_payload

NOW = 1_760_000_000_000_000
KEYS = [SigningKey.generate(algorithm) for algorithm in (Algorithm.SM2_SM3, Algorithm.ES256)]


def _kept(first: int, *payloads: bytes) -> list[KeptSeal]:
    names = [key.algorithm for key in KEYS]
    seals = Sealer(COUNTY, KEYS, lambda: NOW)(CITY, "cases", first, payloads, names)
    keys = {key.public.key_id: key.public for key in KEYS}
    return require_sealed(Batch(COUNTY, CITY, "cases", first, payloads), seals, names, keys, NOW)


def test_a_batch_that_came_again_with_other_bytes_proves_nothing() -> None:
    held = HeldRecord(COUNTY, "cases", 1, 12, NOW, b"taken", APPLIED, "", NOW)
    rightful, other = _kept(11, b"before", b"taken", b"after"), _kept(12, b"another")
    assert _fitting(held, [*other, *rightful]) == rightful
    assert _fitting(held, [*rightful, *_kept(12, b"taken")]) == rightful
    assert _fitting(held, other) == []


def test_only_a_case_is_about_a_case() -> None:
    assert case_of(a_payload(a_case("C-1"))) == (COUNTY, "C-1")
    assert case_of(a_payload(a_component())) is None
    assert case_of(b"nonsense") is None
