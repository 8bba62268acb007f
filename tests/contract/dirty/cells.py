"""Dirty cells of a sheet and what becomes of their rows: through a mapping, as CSV, JSONL and XLSX."""

from typing import Any, NamedTuple

from tests.contract.dirty.outcomes import Accepted, Held, Outcome, Refused, Stale
from tests.contract.dirty.records import BIDI, EMOJI, FORMULA

ALL = ("csv", "jsonl", "xlsx")
TEXTS = ("csv", "jsonl")
MORNING = 1_583_108_100_000_000  # 2020-03-02 08:15:00 in China, microseconds since 1970


class DirtyCell(NamedTuple):
    """Cells of one row of the generic sheet, changed; ``kinds`` are the formats that can hold them.

    ``before`` are changes to an earlier row of the same case; a cell of the column "" stands behind the last column.
    """

    name: str
    what: str
    outcome: Outcome
    cells: dict[str, Any]
    kinds: tuple[str, ...] = ALL
    before: dict[str, Any] | None = None


_REPORT = "case.report"
_X, _Y = f"{_REPORT}.position.x", f"{_REPORT}.position.y"
_TIME = f"{_REPORT}.reported_time"
_TICKET = f"{_REPORT}.channel_ticket_no"

CELLS = (
    # Codes and numbers.
    DirtyCell(
        "wide-number", "full-width digits in a case number", Accepted("in half width"), {"案件编号": "ＷＩＤＥ－１"}
    ),
    DirtyCell(
        "wide-state", "a word of a table with wide and doubled blanks", Accepted("found"), {"大类": "\u3000市容环境 "}
    ),
    DirtyCell(
        "wide-place",
        "full-width digits in coordinates",
        Accepted("in half width", {"report.x": 109.944}),
        {"经度": "１０９．９４４"},
    ),
    DirtyCell(
        "zeros-lost",
        "leading zeros lost, `width = 8`",
        Accepted("put back", {"report.channel_ticket_no": "00000123"}),
        {"工单号": "123"},
    ),
    DirtyCell(
        "zeros-lost-unseen",
        "leading zeros lost, no `width`",
        Accepted("as written; nobody can see it", {"report.area_code": "123"}),
        {"街道编码": "123"},
    ),
    DirtyCell(
        "point-zero",
        "`12` became `12.0`",
        Accepted("as 12", {"report.channel_ticket_no": "00000012"}),
        {"工单号": "12.0"},
    ),
    DirtyCell("cut", "`101001240740` became `1.01E+11`", Refused("NUMBER_INVALID", _TICKET), {"工单号": "1.01E+11"}),
    DirtyCell(
        "cut-number",
        "the same in a case number without `whole_number`",
        Refused("NUMBER_INVALID", "case.key.case_no"),
        {"案件编号": "1.01E+11"},
    ),
    DirtyCell(
        "long-number",
        "a case number of 17 digits as a number",
        Refused("NUMBER_INVALID", "case.key.case_no", "a spreadsheet keeps 15"),
        {"案件编号": 20200302081500123},
        ("xlsx",),
    ),
    DirtyCell(
        "failed-number",
        "a failed formula, `#N/A`, in a case number",
        Refused("FIELD_INVALID", "case.key.case_no"),
        {"案件编号": "#N/A"},
    ),
    DirtyCell(
        "failed-text",
        "a failed formula, `#REF!`, in a text",
        Refused("FIELD_INVALID", f"{_REPORT}.description"),
        {"描述": "#REF!"},
    ),
    DirtyCell(
        "uncomputed",
        "a formula that was never computed, in a text",
        Accepted(
            "as an empty cell; a program wrote the file, and nobody has opened it since", {"report.description": ""}
        ),
        {"描述": "=A1"},
        ("xlsx",),
    ),
    DirtyCell(
        "unknown-word",
        "a word without an entry, as of a newer version",
        Refused("VALUE_UNMAPPED", f"{_REPORT}.state"),
        {"状态": "已归档"},
    ),
    DirtyCell("no-number", "an empty case number", Refused("FIELD_MISSING", "case.key.case_no"), {"案件编号": " "}),
    DirtyCell(
        "nothing",
        "`-` for nothing, in a text",
        Accepted("as nothing, if `empty_values` says so", {"report.description": ""}),
        {"描述": "-"},
    ),
    # Places.
    DirtyCell(
        "swapped",
        "swapped coordinates",
        Refused("POSITION_OUT_OF_RANGE", f"{_REPORT}.position"),
        {"经度": "27.44021", "纬度": "109.94412"},
    ),
    DirtyCell("degrees", "degrees, minutes and seconds", Refused("NUMBER_INVALID", _X), {"经度": "109°56′38″"}),
    DirtyCell("comma", "a comma for the point", Refused("NUMBER_INVALID", _Y), {"纬度": "27,44021"}),
    DirtyCell("half-place", "one coordinate without the other", Refused("FIELD_MISSING", _Y), {"纬度": ""}),
    DirtyCell(
        "zero-place",
        "coordinates 0, 0 for none",
        Refused("POSITION_OUT_OF_RANGE", f"{_REPORT}.position"),
        {"经度": "0", "纬度": "0"},
    ),
    DirtyCell(
        "no-place",
        "neither coordinates nor address",
        Refused("PLACE_MISSING", f"{_REPORT}.position"),
        {"经度": "", "纬度": "", "地址": ""},
    ),
    # Times.
    DirtyCell(
        "wide-time",
        "a time in full-width digits",
        Accepted("as a time", {"report.reported_time": MORNING}),
        {"上报时间": "２０２０－０３－０２ ０８：１５：００"},
    ),
    DirtyCell(
        "short-time",
        "a time without leading zeros",
        Accepted("as a time", {"report.reported_time": MORNING}),
        {"上报时间": "2020/3/2 8:15"},
    ),
    DirtyCell(
        "iso-time",
        "`2020-03-02T08:15:00`, in no format of the mapping",
        Refused("DATE_INVALID", _TIME),
        {"上报时间": "2020-03-02T08:15:00"},
    ),
    DirtyCell(
        "chinese-time",
        "`2020年3月2日`, in no format of the mapping",
        Refused("DATE_INVALID", _TIME),
        {"上报时间": "2020年3月2日"},
    ),
    DirtyCell(
        "american-time",
        "`03/02/2020 08:15`, March or February",
        Refused("DATE_INVALID", _TIME),
        {"上报时间": "03/02/2020 08:15"},
    ),
    DirtyCell("digits-time", "`20200302081500`", Refused("DATE_INVALID", _TIME), {"上报时间": "20200302081500"}),
    DirtyCell(
        "serial-time",
        "`43892.34375`, the days of a spreadsheet",
        Refused("DATE_INVALID", _TIME, "unless the mapping has the format `excel`"),
        {"上报时间": "43892.34375"},
    ),
    DirtyCell(
        "no-such-day", "the 30th of February", Refused("DATE_INVALID", _TIME), {"上报时间": "2020-02-30 08:00:00"}
    ),
    DirtyCell("hour-24", "24:00", Refused("DATE_INVALID", _TIME), {"上报时间": "2020-03-02 24:00:00"}),
    DirtyCell(
        "zero-time",
        "`0000-00-00 00:00:00`",
        Refused("DATE_INVALID", _TIME, "name it in `empty_values`"),
        {"上报时间": "0000-00-00 00:00:00"},
    ),
    DirtyCell(
        "year-1900",
        "the year 1900",
        Refused("FIELD_INVALID", "case.report.filed_time"),
        {"立案时间": "1900-01-01 00:00:00"},
    ),
    DirtyCell(
        "unix-zero",
        "`1970-01-01 08:00:00`, nothing as a Unix time, where a time must be",
        Refused("FIELD_MISSING", _TIME),
        {"上报时间": "1970-01-01 08:00:00"},
    ),
    DirtyCell("future", "the year 2199", Refused("CLOCK_SKEW", _TIME), {"上报时间": "2199-01-01 08:00:00"}),
    DirtyCell(
        "future-closing",
        "a closing in 2199",
        Refused("CLOCK_SKEW", "case.verdict.closed_time"),
        {"结案时间": "2199-01-01 08:00:00"},
    ),
    DirtyCell(
        "no-closing",
        "a closed case without its time",
        Refused("FIELD_MISSING", "case.verdict.closed_time"),
        {"结案时间": ""},
    ),
    # Texts.
    DirtyCell(
        "crlf",
        "line breaks in a text",
        Accepted("as written", {"report.description": "一\r\n二\n三"}),
        {"描述": "一\r\n二\n三"},
        TEXTS,
    ),
    DirtyCell(
        "emoji", "emoji, also joined ones", Accepted("as written", {"report.description": EMOJI}), {"描述": EMOJI}
    ),
    DirtyCell(
        "bidi",
        "marks that turn the direction of writing, in a text",
        Accepted("as written; on a terminal each is shown as �", {"report.description": BIDI}),
        {"描述": BIDI},
    ),
    DirtyCell(
        "bidi-number",
        "the same in a case number",
        Refused("TEXT_INVALID", "case.key.case_no"),
        {"案件编号": "B\u202e1"},
    ),
    DirtyCell(
        "hidden-number", "an invisible blank in a case number", Accepted("without it"), {"案件编号": "HID\u200bDEN"}
    ),
    DirtyCell(
        "formula",
        "a formula as a text",
        Accepted("as written", {"report.description": FORMULA}),
        {"描述": FORMULA},
        TEXTS,
    ),
    DirtyCell(
        "formula-word",
        "a formula where a word of a table should be",
        Refused("VALUE_UNMAPPED", f"{_REPORT}.source_code", "harmless in the file of refused rows"),
        {"问题来源": FORMULA},
        TEXTS,
    ),
    DirtyCell("nul", "a NUL in a text", Refused("TEXT_INVALID", f"{_REPORT}.description"), {"描述": "垃\0圾"}, TEXTS),
    DirtyCell(
        "c1",
        "a C1 control, which some terminals obey",
        Refused("TEXT_INVALID", f"{_REPORT}.description"),
        {"描述": "红\x9b31m"},
    ),
    DirtyCell(
        "long", "a text of 5,000 characters", Refused("FIELD_INVALID", f"{_REPORT}.description"), {"描述": "长" * 5_000}
    ),
    DirtyCell("half-pair", "half of a surrogate pair", Refused("TEXT_INVALID", "case"), {"描述": "\ud800"}, ("jsonl",)),
    # Rows, owners, revisions.
    DirtyCell(
        "more-cells",
        "more cells than the header, as by a comma without quotes",
        Refused("ROW_INVALID", "case"),
        {"": "多出"},
        ("csv", "xlsx"),
    ),
    DirtyCell(
        "wrong-handler",
        "a unit of another platform, with work already told of",
        Held("SECTION_FORBIDDEN", "case.handling"),
        {"处置部门": "外单位"},
    ),
    DirtyCell(
        "revision-back",
        "a lower revision in a later row",
        Stale("the higher one holds"),
        {"修订号": "1", "描述": "旧"},
        before={"修订号": "2"},
    ),
    DirtyCell(
        "revision-half", "a revision of 1.5", Refused("NUMBER_INVALID", f"{_REPORT}.revision"), {"修订号": "1.5"}
    ),
)
