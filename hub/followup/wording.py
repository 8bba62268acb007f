"""Letters in words: titles and texts as the settings have them, filled in. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from exchange_db.document_records import DocumentKind
from exchange_db.followup import ProposalRow
from exchange_db.regions import format_region
from hub.documents.drafts import Draft
from hub.sections.followup import FollowupPart

LETTER_NAMES = {
    DocumentKind.ASSIGNMENT_LETTER: "交办函",
    DocumentKind.SUPERVISION_LETTER: "督办函",
    DocumentKind.SPECIAL_LETTER: "重点督办函",
}
_TITLE_LETTERS = 100


def worded(row: ProposalRow, part: FollowupPart, names: Mapping[str, str], zone: ZoneInfo) -> Draft:
    """Returns the letter of a proposal that is about to be sent; ``names`` has those of classes, by class key."""
    kind = DocumentKind(row.letter_kind)
    deadline = datetime.fromtimestamp(row.deadline_time / 1_000_000, UTC).astimezone(zone)
    filled = {
        "unit": row.unit_name or row.unit_code or row.addressee_id,
        "day": f"{row.day.year}年{row.day.month}月{row.day.day}日",
        "place": f"{'单位' if row.is_by_unit else '网格'}{row.place}",
        "class_name": names.get(row.class_key) or row.class_key.rpartition("|")[2],
        "count": len(row.cases),
        "deadline": f"{deadline.year}年{deadline.month}月{deadline.day}日",
        "letter": LETTER_NAMES[kind],
        "region": format_region(row.region),
    }
    return Draft(
        kind=kind,
        title=part.title.format(**filled)[:_TITLE_LETTERS],
        region=row.region,
        addressee_id=row.addressee_id,
        unit_code=row.unit_code,
        unit_name=row.unit_name,
        text=part.text.format(**filled),
        deadline_time=row.deadline_time,
        cases=row.cases,
    )
