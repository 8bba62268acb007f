"""Notices in words: one event, a summary of many, a trial of a channel. Chinese first, English below."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from exchange_db.alert_records import Severity
from hub.alerts.rules import Rule, shipped_rules
from hub.alerts.telling import Address, Telling

SEVERITIES = {
    Severity.NOTICE: ("提示", "notice"),
    Severity.WARNING: ("警告", "warning"),
    Severity.CRITICAL: ("严重", "critical"),
}
_NAMESPACE = uuid5(NAMESPACE_URL, "sanji/alerts")
#: Lines of a summary; the page has the rest.
_MOST_LINES = 20


class Words(NamedTuple):
    """What is sent: one for every event, known by ``event_id`` for ever."""

    event_id: UUID
    title: str
    body: str
    severity: Severity


class Letterhead(NamedTuple):
    """What every notice says of the hub: name, where the page is ("" for nowhere), and its zone's time."""

    hub: str
    page: str
    local: datetime


def texts_of(rule: Rule, subject: str, value: float, detail: str) -> tuple[str, str]:
    """Returns what is wrong as a sentence, in Chinese and English."""
    shown = f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}"
    named = {"subject": subject, "value": shown, "detail": detail or "—"}
    return rule.text.format(**named)[:600], rule.text_en.format(**named)[:600]


def title_of(rule_name: str) -> tuple[str, str]:
    """Returns what is wrong in a few words, in Chinese and English; the name itself for a rule that is gone."""
    rule = shipped_rules().get(rule_name)
    return (rule.title, rule.title_en) if rule else (rule_name, rule_name)


def words_of(telling: Telling, head: Letterhead) -> Words:
    """Returns the notice of one event."""
    alert, event, level = telling
    zh, en = title_of(alert.rule)
    severity, severity_en = SEVERITIES[alert.severity]
    mark, mark_en = {
        "opened": (severity, severity_en),
        "escalated": (f"{severity}·第{level}级", f"{severity_en}, level {level}"),
        "closed": ("恢复", "over"),
    }[event]
    since = alert.since.astimezone(head.local.tzinfo)
    lines = [alert.text, f"开始：{since:%Y-%m-%d %H:%M:%S}"]
    if event == "closed":
        lines.append(f"恢复：{head.local:%Y-%m-%d %H:%M:%S}")
    body = "\n".join((*lines, *_foot(head), "", f"[{mark_en}] {en}: {alert.text_en}"))
    event_id = uuid5(_NAMESPACE, f"{alert.alert_id}|{event}|{level}")
    return Words(event_id, f"【{mark}】{zh}：{alert.subject}", body, alert.severity)


def summary_of(told: Sequence[Telling], address: Address, head: Letterhead) -> Words:
    """Returns one notice about many events."""
    closed = sum(1 for one in told if one.event == "closed")
    opened = len(told) - closed
    lines = [
        f"{'恢复 ' if one.event == 'closed' else ''}{title_of(one.alert.rule)[0]}：{one.alert.text}"
        for one in told[:_MOST_LINES]
    ]
    if len(told) > _MOST_LINES:
        lines.append(f"……另有 {len(told) - _MOST_LINES} 项，见告警页面。")
    gravest = max((one.alert.severity for one in told), key=list(Severity).index)
    named = "|".join(sorted(f"{one.alert.alert_id} {one.event} {one.level}" for one in told))
    body = "\n".join((*lines, *_foot(head), "", f"[summary] {opened} alerts, {closed} over; see the page of alerts."))
    title = f"【汇总】{opened} 项告警，{closed} 项恢复"
    return Words(uuid5(_NAMESPACE, f"{address}|{named}"), title, body, gravest)


def trial_of(by: str, number: UUID, head: Letterhead) -> Words:
    """Returns the notice somebody sends to try a channel."""
    lines = ("这是一条测试消息，无需处理。", f"发送人：{by}", f"时间：{head.local:%Y-%m-%d %H:%M:%S}")
    body = "\n".join((*lines, *_foot(head), "", "[test] This is a trial; nothing is wrong."))
    return Words(number, "【测试】告警通道测试", body, Severity.NOTICE)


def _foot(head: Letterhead) -> list[str]:
    return [f"枢纽：{head.hub}", *([f"处理：{head.page}"] if head.page else [])]
