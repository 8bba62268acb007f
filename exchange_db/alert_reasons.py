"""Reasons about alerts, contacts and duty calls; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

ALERT_REASONS: dict[str, ReasonText] = {
    "ALERT_UNKNOWN": ReasonText(
        "There is no such alert that you may see. See sanji alerts list.", "没有可查看的此项告警，请刷新告警列表。"
    ),
    "ALERT_TAKEN": ReasonText("{value} has taken this alert on before.", "该告警已由 {value} 受理。"),
    "ALERT_OVER": ReasonText("The alert about {value} is over.", "{value} 的告警已恢复，无需受理。"),
    "ALERT_RULE_UNKNOWN": ReasonText(
        "There is no rule {value}. See sanji alerts rules.", "没有告警规则 {value}，请查看规则列表。"
    ),
    "ALERT_RULE_INVALID": ReasonText(
        "The rule cannot be so: {value}. Thresholds keep their order, times are 0 to 604800 seconds.",
        "规则不能这样设置：{value}。阈值的高低次序不变，时长为 0 至 604800 秒。",
    ),
    "SILENCE_INVALID": ReasonText(
        "A silence needs patterns of rule and subject and lasts up to 366 days, not {value}.",
        "静默须填写规则和对象的匹配式，时长不超过 366 天，不能是 {value}。",
    ),
    "SILENCE_UNKNOWN": ReasonText(
        "There is no such silence in force. See sanji alerts silences.", "没有生效中的此项静默，请刷新列表。"
    ),
    "CONTACT_INVALID": ReasonText(
        "A contact cannot have this: {value}. Correct the field.", "联系人信息不符合要求：{value}，请更正该项。"
    ),
    "CONTACT_UNKNOWN": ReasonText(
        "There is no such contact that you may change.", "没有可修改的此联系人，请刷新列表。"
    ),
    "CHANNEL_UNKNOWN": ReasonText(
        "The settings have no channel {value}. Add it as [alerts.channels.NAME], mail as [mail].",
        "设置中没有通道 {value}，请在 [alerts.channels.名称] 或 [mail] 中添加。",
    ),
    "DUTY_CALL_INVALID": ReasonText(
        "A duty call gives 1 to 1440 minutes and is answered with a name; not {value}.",
        "查岗限时为 1 至 1440 分钟，应答须填写姓名；不能是 {value}。",
    ),
    "DUTY_CALL_UNKNOWN": ReasonText(
        "There is no duty call {value} that waits for this hub's answer.", "没有等待本枢纽应答的查岗 {value}。"
    ),
}
