"""Where a record stands in a trace: made from its message id, or as its origin says."""

from uuid import UUID, uuid4

import pytest

from connectors.traceparents import trace_of, traceparent_of
from connectors.wire import write_parcel
from tests.support.builders import a_case

_ID = UUID("6f0e9a3c-1c0f-4a58-8f6c-0d6a6c2f9a11")
_OTHER = "4bf92f3577b34da6a3ce929d0e0e4736"


def _payload(traceparent: str, message_id: UUID = _ID) -> bytes:
    return write_parcel(message_id, "431221.platform", 1_592_193_600_000_000, a_case(), traceparent=traceparent)


def test_the_place_is_that_of_the_message_and_never_changes() -> None:
    version, trace_id, parent_id, flags = traceparent_of(_ID).split("-")
    assert (version, trace_id, flags) == ("00", _ID.hex, "01")
    assert int(parent_id, 16)
    assert traceparent_of(_ID) == traceparent_of(UUID(str(_ID)))
    assert traceparent_of(uuid4()) != traceparent_of(_ID)


def test_a_record_without_a_place_has_the_same_as_with_it() -> None:
    assert trace_of(_payload("")) == trace_of(_payload(traceparent_of(_ID)))


@pytest.mark.parametrize(
    "odd",
    [
        "x", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", f"00-{_OTHER}-{'0' * 16}-01",
        f"00-{_OTHER}-00F067AA0BA902B7-01",
        f"01-{_OTHER}-00f067aa0ba902b7-01", "\n", f"00-{_OTHER}-00f067aa0ba902b7-01x",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_passed_over(odd: str) -> None:
    assert trace_of(_payload(odd)) == trace_of(_payload(""))


def test_what_the_origin_says_holds() -> None:
    told = trace_of(_payload(f"00-{_OTHER}-00f067aa0ba902b7-01"))
    assert told is not None
    assert (f"{told.trace_id:032x}", f"{told.parent_id:016x}", told.is_wanted) == (_OTHER, "00f067aa0ba902b7", True)
    unwanted = trace_of(_payload(f"00-{_OTHER}-00f067aa0ba902b7-00"))
    assert unwanted is not None
    assert not unwanted.is_wanted


def test_what_is_no_parcel_stands_nowhere() -> None:
    assert trace_of(b"\xff") is None
    assert trace_of(b"") is None
