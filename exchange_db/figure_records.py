"""Records of counts: the counters of a cell, and the sheets that carry cells between hubs.

Others take these names from ``exchange_db.records``, which holds all records that travel.
"""

from msgspec import Struct


class Counts(Struct, frozen=True, array_like=True, gc=False):
    """Counters of one cell, in the order they are stored; the rule of each is in ``exchange_db.shares``.

    The first nine are those of ``sanji-counts/1``; an older hub sends no others.
    """

    total: int = 0
    dispatched_on: int = 0
    done: int = 0
    on_time: int = 0
    suspended: int = 0
    self_handled: int = 0
    void: int = 0
    reworked: int = 0
    reported: int = 0
    valid_reported: int = 0
    not_accepted: int = 0
    duplicate: int = 0
    verification_due: int = 0
    verified_on_time: int = 0
    accepted: int = 0
    accepted_on_time: int = 0
    filed: int = 0
    filed_on_time: int = 0
    dispatch_due: int = 0
    dispatched: int = 0
    dispatched_on_time: int = 0
    misdispatched: int = 0
    disputed: int = 0
    extended: int = 0
    fell_overdue: int = 0
    disposed: int = 0
    disposed_on_time: int = 0
    disposed_overdue: int = 0
    check_sent_on_time: int = 0
    check_replied: int = 0
    checked_on_time: int = 0
    closed: int = 0
    closed_on_time: int = 0


COUNTERS: tuple[str, ...] = Counts.__struct_fields__
#: Counters of the first version of the definitions.
FIRST_COUNTERS: tuple[str, ...] = COUNTERS[:9]


class FigureCell(Struct, frozen=True, gc=False):
    """Counts for one unit, class (``standard|C or E|code``) and source."""

    unit_code: str
    class_key: str
    source_code: str
    counts: Counts


class FigureSheet(Struct, frozen=True, gc=False):
    """Counts of one region and month, whole; ``month`` is year*100+month by deadline."""

    reporter_id: str
    region: int
    month: int
    revision: int
    definition_ref: str
    cutoff_time: int
    is_locked: bool
    cells: tuple[FigureCell, ...]
