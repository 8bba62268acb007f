"""``sanji conformance platform``: stands in for a hub and judges the platform that dials it."""

import asyncio
import logging
import os
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from auth.key_cards import Card, read_card
from conformance.checks import Face
from conformance.doorway import Doorway, Keys, PortTaken
from conformance.platform_running import Role, check_platform
from conformance.report import Run, report_of
from conformance.scene import Terms, new_run
from conformance.site import Asking
from exchange_db.records import Violated
from exchange_db.regions import region_of
from hub.cli.conformance import Only, Out, commands, finish, signing, told, wanted
from hub.cli.terminal import fail

#: How many records the command that drives the platform is to report.
COUNT_VARIABLE = "SANJI_CONFORMANCE_COUNT"


@commands.command()
def platform(
    listen: Annotated[str, typer.Option(help="监听地址 HOST:PORT / where to listen")],
    authority: Annotated[Path, typer.Option(help="签发机构证书 / the authority's certificate")],
    certificate: Annotated[Path, typer.Option(help="枢纽证书 / the hub's certificate")],
    key: Annotated[Path, typer.Option(help="枢纽私钥 / its key")],
    region: Annotated[str, typer.Option(help="测试案件的县级区划 / county of the test cases")],
    authority_id: Annotated[
        str, typer.Option(help="派遣平台标识，默认 枢纽区划.platform / platform that dispatches")
    ] = "",
    standard: Annotated[str, typer.Option(help="测试案件的标准 / standard of their class")] = "GB/T-30428.2-2013",
    class_code: Annotated[str, typer.Option(help="测试案件的事件类别 / their class, an event")] = "0203",
    prefix: Annotated[str, typer.Option(help="测试案件编号前缀 / begin of their numbers")] = "SANJI-TEST",
    drive: Annotated[
        str,
        typer.Option(help=f"使平台上报的命令，条数在 {COUNT_VARIABLE} 中；无则提示操作员 / command that has it report"),
    ] = "",
    handles: Annotated[bool, typer.Option("--handles", help="平台会自动答复派单 / it answers by itself")] = False,
    card: Annotated[list[Path] | None, typer.Option(help="平台签名密钥卡，可多次 / cards of its signing keys")] = None,
    only: Only = None,
    patience: Annotated[float, typer.Option(min=1, max=3600, help="等平台上报的最长秒数 / longest wait")] = 300.0,
    out: Out = Path(),
) -> None:
    """检验平台：本机充当枢纽，由平台来连接、报送、领取。 / Put a platform to the test: it dials this machine."""
    logging.getLogger("grpc").setLevel(logging.CRITICAL)
    checks, signer = wanted(Face.PLATFORM, only), signing(certificate, key)
    hub_id = signer.platform_id
    terms = Terms(
        platform_id=authority_id or f"{region_of(hub_id):06d}.platform", region_code=region, standard_ref=standard,
        class_code=class_code, prefix=prefix, patience_seconds=patience, run=new_run(),
    )  # fmt: skip
    role = Role(hub_id, Keys(authority, certificate, key), listen, _cards(card or [], authority), handles)
    begin = datetime.now(UTC)
    try:
        findings, cleared, platform_id = asyncio.run(check_platform(role, terms, checks, _asking(drive), told))
    except PortTaken:
        fail(f"{listen} 无法监听，是否已被占用？ / Cannot listen there.")
    except (ValueError, OSError) as error:
        fail(f"无法检验：{error} / It cannot be tested.")
    except KeyboardInterrupt:
        fail("已中断。 / Interrupted.", 130)
    run = Run(
        Face.PLATFORM, platform_id, listen, hub_id, terms.run, terms.prefix, terms.region_code, begin,
        datetime.now(UTC),
    )  # fmt: skip
    finish(report_of(run, findings, cleared), signer, out)


def _cards(files: list[Path], authority: Path) -> list[Card]:
    try:
        return [read_card(file.read_bytes(), authority.read_bytes()) for file in files]
    except OSError as error:
        fail(f"无法读取 {error.filename}：{error.strerror} / Cannot read it.")
    except Violated as violated:
        fail(f"密钥卡不可用：{violated.violation.message_zh} / {violated.violation.message}")


def _asking(drive: str) -> Callable[[Doorway], Asking]:
    """Returns what has the platform report: a command, or a request to whoever sits there."""

    def opened(doorway: Doorway) -> Asking:
        print(f"在 {doorway.address} 等候平台连接。 / waiting for the platform.")

        async def ask(count: int) -> None:
            if not drive:
                print(f"→ 请在平台上报 {count} 条测试案件。 / Have the platform report {count} test records.")
                return
            environment = os.environ | {COUNT_VARIABLE: str(count)}
            process = await asyncio.create_subprocess_exec(*shlex.split(drive), env=environment)
            if await process.wait():
                print(f"命令以 {process.returncode} 结束：{drive} / the command failed")

        return ask

    return opened
