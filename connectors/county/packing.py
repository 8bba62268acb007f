"""Puts a record into the parcel a county sends: the same record always gives the same bytes.

A hub knows a message by its id for ever and takes the same id with other bytes for a mistake. So the id comes from the
content, and so does the time: a record that is sent again in a year, from another machine, is still the same message.
"""

import logging
from typing import NamedTuple

from connectors.mapping import message_id_of
from connectors.traceparents import traceparent_of
from connectors.wire import read_parcel, write_parcel
from exchange_db.moments import moments_of
from exchange_db.records import Case, Component, Violated

logger = logging.getLogger(__name__)


class Packed(NamedTuple):
    """A record ready to be sent; ``case_no`` is what its platform calls it, for a component its code."""

    message_id: str
    case_no: str
    payload: bytes


def pack(platform_id: str, record: Case | Component, *, is_traced: bool = False) -> Packed:
    """Returns the parcel of a record in the name of a platform; ``is_traced`` writes its place in a trace into it.

    Raises:
        Violated: the record does not keep the contract; names the field.
    """
    packed = packed_unchecked(platform_id, record, is_traced=is_traced)
    read_parcel(packed.payload)
    return packed


def packed_unchecked(platform_id: str, record: Case | Component, *, is_traced: bool = False) -> Packed:
    """Does the same for a record whose parcel is checked afterwards anyway.

    Raises:
        ValueError, TypeError: it cannot be written down.
    """
    message_id = message_id_of(record)
    number = record.case_no if isinstance(record, Case) else record.component_id
    place = traceparent_of(message_id) if is_traced else ""
    payload = write_parcel(message_id, platform_id, told_time(record), record, traceparent=place)
    return Packed(str(message_id), number, payload)


def told_time(record: Case | Component) -> int:
    """When the case was reported or, without a report, the last moment it tells of; microseconds since 1970.

    The hub holds the time of the report against its own clock, so a parcel is refused for its clock only when the
    report would be as well. A component tells when it was changed.
    """
    if isinstance(record, Component):
        return max(record.changed_time, record.initial_time) or 1
    if record.report:
        return max(record.report.reported_time, 1)
    sections = [section for section in (record.assignment, record.handling, record.verdict) if section]
    times = [getattr(section, name) for section in (*sections, *record.actions) for name in moments_of(type(section))]
    # The contract wants a time; a section without any gets the first moment there is.
    return max(times, default=0) or 1


def unpacked(payload: bytes) -> Case | Component | None:
    """Returns the record of a parcel that was fetched; ``None`` for one that is not for vendors, or not known here."""
    try:
        record = read_parcel(payload).record
    except Violated as violated:
        # The hub has checked it; perhaps it speaks a newer contract. It stays at the hub, and others must go on.
        logger.warning("无法识别的记录，已跳过。 / Skipped a record: %s", violated)
        return None
    return record if isinstance(record, Case | Component) else None
