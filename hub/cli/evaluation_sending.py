"""``sanji evaluation send`` and ``records``: evaluation data between this hub and others."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from exchange_db.evaluation_shapes import EvaluationKind, EvaluationRecord
from exchange_db.regions import format_region, subtree
from exchange_db.session import Ledger
from hub.cli import terminal
from hub.cli.configuration import load
from hub.cli.evaluation import commands
from hub.cli.evaluation_runs import Config, Json, Region, RunId, answered, region_in
from hub.cli.terminal import plain
from hub.clock import system_clock
from hub.evaluation.desk import ScoreDesk
from hub.evaluation.exchanging import SendingDesk

_KINDS = {EvaluationKind.VALUES: "指标值与自评", EvaluationKind.RESULT: "评价结果"}


@commands.command()
def send(
    run_id: RunId,
    kind: Annotated[
        Literal["values", "result"], typer.Argument(help="values 上报指标值与自评，result 下发评价结果 / what")
    ],
    config: Config = Path("sanji.toml"),
) -> None:
    """上报指标值，或下发评价结果；由枢纽的定时任务发出。 / Send a run's values up, or its result down."""
    settings = load(config)

    async def act(ledger: Ledger) -> None:
        shown = await ScoreDesk(ledger, settings, system_clock).find(subtree(settings.hub.region), run_id)
        desk = SendingDesk(ledger, settings.hub.id, system_clock)
        await desk.ask(shown, EvaluationKind[kind.upper()])

    answered(settings, act)
    typer.echo("已登记，将由定时任务 send-evaluations 发出。 / It is noted; the job send-evaluations sends it.")


@commands.command()
def records(config: Config = Path("sanji.toml"), region: Region = "", as_json: Json = False) -> None:
    """列出收到和发出的评价数据。 / List evaluation data received and sent."""
    settings = load(config)
    where = region_in(settings, region)

    async def act(ledger: Ledger) -> list[EvaluationRecord]:
        return await SendingDesk(ledger, settings.hub.id, system_clock).received(subtree(where))

    found = answered(settings, act)
    if as_json:
        print(terminal.as_json(msgspec.to_builtins(found)))
        return
    table = Table()
    for title in ("区域", "种类", "方案", "期间", "版本", "填报", "指标数", "得分数", "备注"):
        table.add_column(title, overflow="fold")
    for one in found:
        table.add_row(
            format_region(one.region), _KINDS[one.kind], f"{plain(one.scheme_id)} v{one.scheme_version}", one.period,
            str(one.revision), one.reporter_id, str(len(one.values)), str(len(one.scores)), plain(one.note),
        )  # fmt: skip
    Console().print(table)
