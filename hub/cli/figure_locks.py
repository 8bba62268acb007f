"""``sanji figures lock`` and ``unlock``: a frozen period is closed to corrections that publish themselves."""

from pathlib import Path
from typing import Annotated

import typer

from auth.approvals import Operation
from exchange_db.session import Ledger
from hub.cli.configuration import load
from hub.cli.figure_periods import PeriodText
from hub.cli.figures import Config, commands
from hub.cli.gate import require_single
from hub.cli.ledger import ask
from hub.clock import system_clock
from hub.statistics.calendar import HubCalendar
from hub.statistics.locking import LockDesk

Purpose = Annotated[str, typer.Option(help="事由 / why")]


@commands.command()
def lock(period: PeriodText, purpose: Purpose, config: Config = Path("sanji.toml")) -> None:
    """锁定已冻结的周期：此后的修正须经批准。 / Lock a frozen period: corrections then take two people."""
    settings = load(config)
    require_single(settings, Operation.FIGURE_LOCK, period)
    calendar = HubCalendar(settings)

    async def act(ledger: Ledger) -> None:
        await LockDesk(ledger, calendar, system_clock).lock(calendar.parse(period), purpose)

    ask(settings, act)
    typer.echo(f"{period} 已锁定。 / Locked.")


@commands.command()
def unlock(period: PeriodText, purpose: Purpose, config: Config = Path("sanji.toml")) -> None:
    """解锁周期：差异将自动公布为修正。 / Unlock a period: what differs is published as a correction."""
    settings = load(config)
    require_single(settings, Operation.FIGURE_UNLOCK, period)
    calendar = HubCalendar(settings)

    async def act(ledger: Ledger) -> None:
        await LockDesk(ledger, calendar, system_clock).unlock(calendar.parse(period), purpose)

    ask(settings, act)
    typer.echo(f"{period} 已解锁。 / Unlocked.")
