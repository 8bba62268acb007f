"""Reasons about rows and tables of partners' databases; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

PARTNER_REASONS: dict[str, ReasonText] = {
    "ROW_DELETED": ReasonText(
        "Row {value} was deleted in the partner's database; nothing is deleted here. To end a case, write its state.",
        "对方中间库删除了行 {value}，本枢纽不随之删除；作废案件请改写其状态。",
    ),
    "TABLE_EMPTIED": ReasonText(
        "Table {value} was emptied in the partner's database (TRUNCATE); nothing is deleted here.",
        "对方中间库清空了表 {value}（TRUNCATE），本枢纽不随之删除。",
    ),
    "COLUMN_UNFIT": ReasonText("The partner's column cannot hold it: {value}.", "对方数据库的该列容不下：{value}。"),
}
