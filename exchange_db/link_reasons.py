"""Reasons about how links stand and what people do with them; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

LINK_REASONS: dict[str, ReasonText] = {
    "LINK_PAUSED": ReasonText(
        "The link is paused on purpose. Keep your records and try again later; its operator resumes it with sanji link"
        " resume.",
        "该链路已由管理员暂停，请保留数据稍后重试；由对方管理员执行 sanji link resume 恢复。",
    ),
    "LINK_UNREACHABLE": ReasonText(
        "The neighbour does not answer. Test the link: it shows at which step.",
        "对方无应答，请测试链路，查看停在哪一步。",
    ),
    "LINK_REFUSED": ReasonText(
        "The neighbour answers and refuses. Its last error says what is to be done.",
        "对方有应答但予以拒绝，请按最近错误的说明处理。",
    ),
    "LINK_SILENT": ReasonText(
        "The neighbour used to call and has been silent for too long. Ask its operator whether it runs.",
        "对方此前定期联系，现已长时间没有消息，请联系对方管理员确认其是否在运行。",
    ),
    "LINK_WENT_BACK": ReasonText(
        "The partner's database was put back to an earlier state; what it lost is being sent again.",
        "对方数据库退回到较早状态，缺少的数据正在重发。",
    ),
    "HUB_DOWN": ReasonText("This hub itself was not running.", "本枢纽自身未运行。"),
    "LINK_IN_MAINTENANCE": ReasonText("Maintenance is planned for now.", "现处于计划维护时段。"),
    "LINK_SLOW": ReasonText(
        "The oldest record waits for more than five minutes. Look at the last error and at the rate.",
        "最早一条数据已等待超过五分钟，请查看最近错误与速率。",
    ),
    "LINK_TROUBLED": ReasonText(
        "Records go over the link, but something about it is wrong: see its last error.",
        "链路可用但存在异常，请查看最近错误。",
    ),
    "LINK_CANARY_LATE": ReasonText(
        "The neighbour answers, but no canary has come back over the link in time. See the page on monitoring.",
        "对方有应答，但探测记录未按时返回，请按监控说明检查。",
    ),
    "LINK_NEVER_HEARD": ReasonText("Nothing was ever heard of this neighbour.", "从未收到该邻居的任何消息。"),
    "LINK_UNDIALLED": ReasonText(
        "This hub cannot call {value}; only the other end can do that. Ask its operator.",
        "本枢纽无法主动连接 {value}，只能由对方发起，请联系其管理员。",
    ),
    "LINK_NOT_PAUSED": ReasonText("The link is not paused: {value}.", "该链路并未暂停：{value}。"),
    "LINK_PAUSED_ALREADY": ReasonText("The link is paused already: {value}.", "该链路已处于暂停状态：{value}。"),
    "LINK_REASON_MISSING": ReasonText(
        "Say in a few words why; it is shown to everybody who looks at the link.",
        "请简要填写原因，查看该链路的人员都会看到。",
    ),
    "RESYNC_POINT_INVALID": ReasonText(
        "{value} is no point to go on from. Give a day that has passed, as 2026-11-01, or for a database a number.",
        "{value} 不是有效的起点。请填写已过去的日期（如 2026-11-01）；中间库填写编号。",
    ),
    "MAINTENANCE_INVALID": ReasonText(
        "Maintenance begins now or later, lasts at most 30 days and ends after it begins: {value}.",
        "维护须从现在或以后开始，最长 30 天，且结束时间晚于开始时间：{value}。",
    ),
    "MAINTENANCE_NONE": ReasonText("No maintenance is planned for {value}.", "{value} 没有计划中的维护。"),
}
