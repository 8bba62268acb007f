"""What ``sanji standards releases`` prints."""

from typing import Any

from rich.console import Console
from rich.table import Table

_STATES = {
    "in_force": "生效中",
    "extends": "扩展生效中",
    "overruled": "被上级同名标准覆盖",
    "coming": "待生效",
    "past": "已被取代",
    "withdrawn": "已撤回",
    "withdrawal": "撤回通知",
    "draft": "草稿",
}


def show(told: dict[str, Any], console: Console) -> None:
    """Prints it as tables."""
    table = Table("编号", "发布方", "种类", "名称", "版本", "本区生效", "状态", "来自", title="发布 / releases")
    for one in told["releases"]:
        state = _STATES[one["state"]] + (f"（{one['withdrawn_by']}）" if one["withdrawn_by"] else "")
        table.add_row(
            str(one["number"]),
            one["publisher_id"],
            one["kind"],
            one["name"],
            one["version"],
            one["effective_here"][:16],
            state,
            one["source_id"],
        )
    for one in told["drafts"]:
        table.add_row("", one["publisher_id"], one["kind"], one["name"], one["version"], "", _STATES["draft"], "")
    console.print(table)
    table = Table("邻居", "差距", "最近", "故障", title="上下级 / lag")
    for one in told["above"]:
        missing = f"缺 {one['missing_count']} 项，编号 {one['held_number']}/{one['newest_number']}"
        table.add_row(f"↑ {one['peer_id']}", missing, (one["pulled_time"] or "—")[:16], one["trouble"])
    for one in told["below"]:
        table.add_row(
            f"↓ {one['peer_id']}", f"缺 {one['missing_count']} 项", (one["asked_time"] or "—")[:16], one["trouble"]
        )
    console.print(table)
    for one in told["damaged"]:
        text = f"✗ 编号 {one['number']} 的清单在本库中已被改动，不再采用 / changed in this ledger: {one['digest']}"
        console.print(text, markup=False, soft_wrap=True)
    for one in told["refusals"]:
        place = f"{one['label']}（来自 {one['peer_id']}）：{one['field_path']}"
        console.print(f"✗ 拒收 {place} {one['message_zh']}\n  {one['message']}", markup=False, soft_wrap=True)
