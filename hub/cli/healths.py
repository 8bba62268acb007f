"""What the health of a link is called on the command line."""

from exchange_db.link_states import LinkHealth

#: In Chinese and in English.
HEALTHS = {
    LinkHealth.GOOD: "正常 good", LinkHealth.SLOW: "缓慢 slow", LinkHealth.DOWN: "中断 down",
    LinkHealth.PAUSED: "已暂停 paused", LinkHealth.MAINTENANCE: "维护 maintenance",
    LinkHealth.WAITING: "待确认 waiting", LinkHealth.UNKNOWN: "未知 unknown",
}  # fmt: skip
