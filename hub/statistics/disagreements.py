"""Where the sheets of the hubs below and this hub's own ledger say different things, in words. Pure."""

from exchange_db.counting import FIRST_DEFINITION
from exchange_db.figures import SheetHead
from exchange_db.records import COUNTERS, FIRST_COUNTERS, Counts
from exchange_db.regions import format_region
from hub.statistics.registry import shipped_registry

#: Lines shown; a last one says how many more there are.
MAX_LINES = 100

#: The counters' names for people, of those the ledger tells and of all others.
COUNTER_NAMES: dict[str, str] = {name: one.name_zh for name, one in shipped_registry().counters.items()}


def in_words(
    sheets: list[SheetHead],
    sent: dict[tuple[int, int], Counts],
    own: dict[tuple[int, int], Counts],
    definition_ref: str,
) -> tuple[str, ...]:
    """Compares sheets with the ledger.

    Args:
        sheets: the sheets that count.
        sent: what they say, by region and month.
        own: what the ledger says, by region and month.
        definition_ref: definitions this hub's counters follow.

    Returns:
        A line each for region and month that both know and that differ, and for each reporter that counts by other
        definitions.
    """
    lines = []
    for reporter_id, other in sorted({(sheet.reporter_id, sheet.definition_ref) for sheet in sheets}):
        if other != definition_ref:
            lines.append(f"{reporter_id} 的报表口径为 {other}，与本级口径 {definition_ref} 不同，不可直接比较")
    for sheet in sheets:
        place = (sheet.region, sheet.month)
        if place not in own:
            continue
        theirs, ours = sent.get(place, Counts()), own[place]
        differing = [
            f"{COUNTER_NAMES[name]} {getattr(theirs, name)}／{getattr(ours, name)}"
            for name in (FIRST_COUNTERS if sheet.definition_ref.startswith(FIRST_DEFINITION) else COUNTERS)
            if getattr(theirs, name) != getattr(ours, name)
        ]
        if differing:
            month = f"{sheet.month // 100}年{sheet.month % 100}月"
            lines.append(
                f"{format_region(sheet.region)} {month}：{sheet.reporter_id} 第 {sheet.revision} 版报表与本级台账不一致"
                f"（报表／台账）：{'，'.join(differing)}"
            )
    if len(lines) > MAX_LINES:
        return (*lines[:MAX_LINES], f"另有 {len(lines) - MAX_LINES} 处不一致未列出")
    return tuple(lines)
