"""What a dirty record is, and the damage that no client of ours could do."""

from collections.abc import Callable
from typing import Any, NamedTuple

from exchange_db.records import Case
from hub.clock import system_clock
from protos.exchange.v1 import parcel_pb2
from tests.contract.dirty.outcomes import Outcome
from tests.support.builders import COUNTY, a_payload, a_report

Damage = Callable[[parcel_pb2.Parcel], None]


class DirtyRecord(NamedTuple):
    """One dirty record that 431221.platform sends.

    ``report`` are changes to a good report, ``sections`` what else the case carries (without a report if ``report``
    is ``None``). ``damage`` is done to the message, below what a client can do; ``raw`` are bytes instead of a message.
    ``before`` are reports of the same case that the hub has already.
    """

    name: str
    what: str
    outcome: Outcome
    report: dict[str, Any] | None = {}  # noqa: RUF012 — never changed
    sections: dict[str, Any] = {}  # noqa: RUF012 — never changed
    damage: Damage | None = None
    raw: bytes | None = None
    before: tuple[dict[str, Any], ...] = ()
    case_no: str = "{}"
    issuer_id: str = COUNTY

    def case(self, prefix: str) -> Case:
        """Returns the case, with a number of its own for each way in."""
        sections = dict(self.sections)
        if self.report is not None:
            sections["report"] = a_report(**self.report)
        return Case(self.issuer_id, self.number(prefix), **sections)

    def number(self, prefix: str) -> str:
        """Returns the case number on one way in."""
        return self.case_no.format(f"{prefix}-{self.name}")

    def cases_before(self, prefix: str) -> list[Case]:
        """Returns what the hub has of the case already."""
        return [Case(self.issuer_id, self.number(prefix), report=a_report(**changes)) for changes in self.before]

    def payload(self, prefix: str) -> bytes:
        """Returns the bytes that are sent."""
        if self.raw is not None:
            return self.raw
        parcel = parcel_pb2.Parcel.FromString(a_payload(self.case(prefix), COUNTY))
        if self.damage is not None:
            self.damage(parcel)
        return parcel.SerializeToString()


def with_value(path: str, value: object) -> Damage:
    """Returns damage to one field of the message."""

    def damage(parcel: parcel_pb2.Parcel) -> None:
        *parents, leaf = path.split(".")
        message: Any = parcel
        for name in parents:
            message = getattr(message, name)
        setattr(message, leaf, value)

    return damage


def with_new_field(number: int, *, of_report: bool) -> Damage:
    """Returns damage that gives a message a field with a text that this contract does not know."""
    unknown = bytes([(number << 3 | 2) & 0x7F | 0x80, number >> 4, 3]) + b"new"

    def damage(parcel: parcel_pb2.Parcel) -> None:
        if of_report:
            parcel.case.report.MergeFromString(unknown)
        else:
            parcel.ClearField("case")
            parcel.MergeFromString(unknown)

    return damage


def written_ahead(parcel: parcel_pb2.Parcel) -> None:
    """Dates a parcel an hour ahead."""
    parcel.created_time = system_clock() + 3_600_000_000


def without_record(parcel: parcel_pb2.Parcel) -> None:
    """Leaves an envelope."""
    parcel.ClearField("case")
