"""Puts a case into the parcel a county sends: the same case always gives the same bytes.

A hub knows a message by its id for ever and takes the same id with other bytes for a mistake. So the id comes from the
content, and so does the time: a case that is sent again in a year, from another machine, is still the same message.
"""

from typing import NamedTuple

from connectors.mapping import message_id_of
from connectors.wire import read_parcel, write_parcel
from exchange_db.records import Case, moments_of


class Packed(NamedTuple):
    """A case ready to be sent."""

    message_id: str
    case_no: str
    payload: bytes


def pack(platform_id: str, case: Case) -> Packed:
    """Returns the parcel of a case in the name of a platform.

    Raises:
        Violated: the case does not keep the contract; names the field.
    """
    message_id = message_id_of(case)
    payload = write_parcel(message_id, platform_id, _told_time(case), case)
    read_parcel(payload)
    return Packed(str(message_id), case.case_no, payload)


def _told_time(case: Case) -> int:
    """When the case was reported or, without a report, the last moment it tells of; microseconds since 1970.

    The hub holds the time of the report against its own clock, so a parcel is refused for its clock only when the
    report would be as well.
    """
    if case.report:
        return max(case.report.reported_time, 1)
    sections = [section for section in (case.assignment, case.handling, case.verdict) if section]
    times = [getattr(section, name) for section in (*sections, *case.actions) for name in moments_of(type(section))]
    # The contract wants a time; a section without any gets the first moment there is.
    return max(times, default=0) or 1
