"""Reasons about periods of figures: naming, freezing, locking, correcting; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

PERIOD_REASONS: dict[str, ReasonText] = {
    "PERIOD_INVALID": ReasonText(
        "{value} names no period. Write 2020-06, 2020-Q2, 2020-H1, 2020, 2020-06-15, 2020-W25, or 2020-E25 for an"
        " evaluation week.",
        "{value} 不是统计周期，请写作 2020-06、2020-Q2、2020-H1、2020、2020-06-15、2020-W25，考评周写作 2020-E25。",
    ),
    "PERIOD_OPEN": ReasonText(
        "{value} has not ended yet, so it cannot be frozen. Wait for its last day to pass.",
        "{value} 尚未结束，不能冻结，请在周期结束后再试。",
    ),
    "PERIOD_NOT_FROZEN": ReasonText(
        "{value} is not frozen. Freeze it first: sanji figures freeze {value}.",
        "{value} 尚未冻结，请先执行 sanji figures freeze {value}。",
    ),
    "PERIOD_LOCKED": ReasonText(
        "{value} is locked already. Nothing need be done.",
        "{value} 已锁定，无需再次锁定。",
    ),
    "PERIOD_NOT_LOCKED": ReasonText(
        "{value} is not locked: its corrections are published without a proposal.",
        "{value} 未锁定，修正会自动公布，无需提案。",
    ),
    "CORRECTION_EMPTY": ReasonText(
        "Nothing differs from what was published of {value}; there is nothing to correct.",
        "{value} 的现数与已公布数一致，没有可修正的内容。",
    ),
    "CORRECTION_OVERTAKEN": ReasonText(
        "{value} was corrected, locked or unlocked meanwhile. Look at it again and repeat.",
        "{value} 在此期间已被修正、锁定或解锁，请查看后重试。",
    ),
    "DATE_INVALID": ReasonText(
        "{value} is no date. Write 2020-07-15, or a time as 2020-07-15T18:00+08:00.",
        "{value} 不是日期，请写作 2020-07-15，或时刻 2020-07-15T18:00+08:00。",
    ),
    "NOTHING_SAID": ReasonText(
        "Nothing was known of {value} at that time: no sheet had come and it was not frozen. Ask for a later date.",
        "当时尚无 {value} 的数据：没有收到报表，也未冻结。请查询更晚的日期。",
    ),
}
