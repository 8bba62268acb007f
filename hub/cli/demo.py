"""``sanji demo``: a year of 中方县 over four hubs, in one command."""

import asyncio
import json
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hub.cli.app import app
from hub.cli.trace import print_story
from hub.demo.partners import COUNTY_CASES, PROVINCE_CASES, TASKS, PartnerOutcome
from hub.demo.show import Demonstration, Outcome, as_json

_TURNS = {
    "returned": "退单",
    "disputed": "推诿裁定",
    "extended": "延期",
    "suspended": "挂账",
    "appealed": "申诉",
    "moved_to_next_month": "移至次月",
    "failed_checks": "核查不通过",
    "voided": "作废",
    "merged": "合并",
}
_TIERS = {"county": "县 431221", "city": "市 431200", "province": "省 430000", "nation": "国 000000"}


@app.command()
def demo(
    once: Annotated[bool, typer.Option(help="演示后退出 / end after the demonstration")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="把结果写入文件 / write the result to a file")
    ] = None,
) -> None:
    """演示：国家、省、市、县四级联网运行一年。 / A year over four tiers, on this machine."""
    console = Console()
    folder = Path(tempfile.mkdtemp(prefix="sanji-demo-"))
    try:
        outcome = asyncio.run(_run(console, folder / "demo", once=once, json_file=json_file))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    raise typer.Exit(0 if _is_good(outcome) else 1)


async def _run(console: Console, folder: Path, *, once: bool, json_file: Path | None) -> Outcome:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=1.0)
        show = Demonstration(folder, lambda text, share: progress.update(bar, description=text, completed=share))
        try:
            outcome = await show.run()
        except BaseException:
            await show.close()
            raise
    _print(console, outcome)
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(outcome), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    try:
        if not once:
            await _stay(console, show)
    finally:
        await show.close()
    return outcome


async def _stay(console: Console, show: Demonstration) -> None:
    for hub in show.hubs:
        settings = hub.settings
        console.print(f"{settings.hub.name}：http://{settings.console.host}:{settings.console.port}/")
    console.print("按 Ctrl-C 结束。 / Press Ctrl-C to end.")
    await asyncio.Event().wait()


def _is_good(outcome: Outcome) -> bool:
    proof = outcome.proof
    return (
        len({tally[:4] for tally in outcome.tiers.values()}) == 1
        and outcome.partners.is_right
        and not outcome.trust.broken
        and outcome.trust.signed_count == outcome.trust.record_count
        and not (proof.lost or proof.twice or proof.incomplete_streams or proof.unsettled_links)
    )


def _print_partners(console: Console, partners: PartnerOutcome) -> None:
    receipts = "，".join(f"{state} {reason} {count}".replace("  ", " ") for state, reason, count in partners.receipts)
    console.print(
        f"广东省 440000（前置机 PostgreSQL）用 SQL 写入 {PROVINCE_CASES + 1} 行，国家统计上报"
        f" {partners.province_reported}；x_receipt：{receipts}"
    )
    if partners.has_mariadb:
        console.print(
            f"芷江县 431228（MariaDB，自有库表）用 SQL 上报 {COUNTY_CASES}，市派 {TASKS}，国家统计上报"
            f" {partners.county_reported}；tb_task_in 收到 {partners.tasks}，办结回复 {partners.replies}"
        )
    else:
        console.print("本机没有 MariaDB，未演示芷江县。 / No MariaDB here: the county with one was left out.")


def _print(console: Console, outcome: Outcome) -> None:
    table = Table(title="中方县 2020：各级同一口径 / the same figures at every tier")
    for title in ("层级", "接收", "派发", "完成", "及时", "F1 解决率", "F2 及时率", "F3 综合"):
        table.add_column(title, justify="right" if title != "层级" else "left")
    for tier, title in _TIERS.items():
        tally = outcome.tiers[tier]
        numbers = (tally.total, tally.dispatched_on, tally.done, tally.on_time)
        table.add_row(title, *map(str, numbers), *tally.rates)
    console.print(table)
    total = sum(outcome.reporter_sources.values()) or 1
    shares = "，".join(
        f"{key} {count}（{100 * count / total:.2f}%）" for key, count in outcome.reporter_sources.items()
    )
    console.print(f"第二个县（渌口区 430212）上报 {total}：{shares}")
    _print_partners(console, outcome.partners)
    proof = outcome.proof
    console.print(
        f"序号链 {proof.stream_count} 条，不完整 {proof.incomplete_streams}；"
        f"丢失 {proof.lost}；重复生效 {proof.twice}；未结清链路 {proof.unsettled_links}；"
        f"重复发送的批次 {outcome.repeated_batches}；省枢纽断电 {outcome.outage_seconds:.1f} 秒"
    )
    trust = outcome.trust
    console.print(
        f"审计日志 {trust.log_count} 份，{trust.entry_count} 条，上级见证 {trust.witnessed_count} 份："
        f"{'校验一致' if not trust.broken else '；'.join(trust.broken)}；"
        f"案件 {outcome.story_case_no} 在国家枢纽有 {trust.record_count} 条记录，{trust.signed_count} 条有国密签名"
    )
    held = Table(title=f"隔离区 {len(proof.quarantined)} / in quarantine")
    for title in ("枢纽", "原因", "字段", "说明"):
        held.add_column(title, overflow="fold")
    for row in proof.quarantined:
        held.add_row(*row)
    console.print(held)
    turns = "，".join(f"{_TURNS[name]} {count}" for name, count in outcome.turns.items())
    console.print(f"七步之外：{turns} / beside the seven steps")
    print_story(console, outcome.story_case_no, outcome.story)
    for hop, (p50, p95) in outcome.hops.items():
        console.print(f"{hop}：p50 {p50:.0f} ms，p95 {p95:.0f} ms")
    console.print(f"用时 {outcome.seconds:.1f} 秒 / seconds")
