"""A ledger of 怀化 with cases of three months in two counties, worth a bulletin."""

from exchange_db.records import ReportState
from exchange_db.session import Ledger
from hub.settings import HubPart, Settings
from tests.support.applied import Written, apply_records
from tests.support.builders import (
    CITY,
    COUNTY,
    DAY,
    HOUR,
    OTHER_COUNTY,
    a_case,
    a_handling,
    a_report,
    a_verdict,
    an_assignment,
)
from tests.support.clock import at

#: When the bulletins are made.
JULY = at("2020-07-03T09:00:00+08:00")
_CLASSES = ("0203", "0101", "0406")
_SOURCES = ("collector", "hotline_12345", "wechat")
_UNITS = ("hw01", "zf02", "sz03")
#: Cases by month: June has the most, of the June a year ago there are few.
_MONTHS = {"2019-06": 4, "2020-05": 9, "2020-06": 17}


def settings_of(**parts: object) -> Settings:
    """Returns the settings of the hub of 怀化."""
    return Settings(hub=HubPart(id=CITY, name="怀化市城市管理和综合执法局"), **parts)  # type: ignore[arg-type]


async def fill_months(ledger: Ledger) -> None:
    """Fills a fresh ledger: of every seven cases one is late, one open, one not yet dispatched."""
    written = [record for month, count in _MONTHS.items() for number in range(count) for record in _case(month, number)]
    await apply_records(ledger, *written, now=JULY)


def _case(month: str, number: int) -> list[Written]:
    county = COUNTY if number % 3 else OTHER_COUNTY
    case_no, due = f"{month}-{number:03d}", at(f"{month}-{2 + number:02d}T10:00:00+08:00")
    reported = due - DAY
    told: list[Written] = [
        a_case(
            case_no,
            county,
            report=a_report(
                state=ReportState.FILED,
                region_code=county[:6],
                class_code=_CLASSES[number % 2 + number % 5 // 4],
                source_code=_SOURCES[number % 3],
                reported_time=reported,
            ),
        )
    ]
    if number % 7 == 5:
        return told
    assignment = an_assignment(
        class_code=_CLASSES[number % 2 + number % 5 // 4],
        handler_id=county,
        unit_code=_UNITS[number % 3],
        original_deadline_time=due,
        deadline_time=due,
        dispatched_time=reported + HOUR,
    )
    told.append((a_case(case_no, county, assignment=assignment), CITY))
    if number % 7 == 6:
        return told
    done = due + HOUR if number % 7 == 4 else due - HOUR
    told.append(
        (
            a_case(
                case_no,
                county,
                handling=a_handling(
                    received_time=reported + 2 * HOUR,
                    dispatched_on_time=reported + 3 * HOUR,
                    disposed_time=done,
                    close_requested_time=done,
                ),
            ),
            county,
        )
    )
    verdict = a_verdict(check_sent_time=done + HOUR, check_answered_time=done + 2 * HOUR, closed_time=done + 2 * HOUR)
    return [*told, (a_case(case_no, county, verdict=verdict), CITY)]
