"""``sanji alerts contacts`` and ``sanji alerts duty``: whom to turn to, and calls to whoever is on duty."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from exchange_db.alert_records import Contact, ContactRole
from exchange_db.documents import DocumentRow
from exchange_db.regions import format_region, parse_region
from exchange_db.session import Ledger
from hub.alerts.duty import DutyDesk
from hub.alerts.making import make_duty_desk
from hub.cli.alerts import Config, Json, Limit, Region, T, commands, regions_of, shown, with_desk
from hub.cli.configuration import load
from hub.cli.host import local_user
from hub.cli.ledger import carry_out
from hub.cli.terminal import as_json, fail, plain, visible
from hub.clock import system_clock
from hub.settings import Settings

contacts = typer.Typer(no_args_is_help=True, help="联系人：分管领导、专干、值班员。 / Whom to turn to in which unit.")
duty = typer.Typer(no_args_is_help=True, help="查岗与应答。 / Calls to whoever is on duty, and answers.")
commands.add_typer(contacts, name="contacts")
commands.add_typer(duty, name="duty")

ROLE_NAMES = {ContactRole.LEADER: "分管领导", ContactRole.OFFICER: "专干", ContactRole.DUTY: "值班员"}


@contacts.command(name="list")
def listing(region: Region = "", json: Json = False, config: Config = Path("sanji.toml")) -> None:
    """列出联系人。 / List contacts."""
    settings = load(config)
    rows = with_desk(settings, lambda desk: desk.contacts(regions_of(settings, region)))
    if json:
        print(as_json([_as_json(row) for row in rows]))
        return
    table = Table()
    for title in ("编号", "姓名", "单位", "区域", "职务", "级别", "电话", "邮箱", "群机器人", "当班"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(
            str(row.contact_id), plain(row.name), plain(row.unit), format_region(row.region), ROLE_NAMES[row.role],
            str(row.level), plain(row.phone), plain(row.mail), plain(row.robot),
            f"{row.duty_days} {row.duty_from:02d}–{row.duty_until:02d}",
        )  # fmt: skip
    Console().print(table)


@contacts.command()
def add(
    name: Annotated[str, typer.Argument(help="姓名 / name")],
    region: Region = "",
    unit: Annotated[str, typer.Option(help="单位 / unit")] = "",
    role: Annotated[ContactRole, typer.Option(help="职务 / role")] = ContactRole.OFFICER,
    level: Annotated[int, typer.Option(min=1, max=9, help="通知级别，1 最先 / level, 1 is told first")] = 1,
    phone: Annotated[str, typer.Option(help="电话 / phone")] = "",
    mail: Annotated[str, typer.Option(help="邮箱 / mail")] = "",
    robot: Annotated[str, typer.Option(help="群机器人通道 / channel of a group's robot")] = "",
    days: Annotated[str, typer.Option(help="当班日，1 为周一 / days on duty, 1 for Monday")] = "1234567",
    hours: Annotated[str, typer.Option(help="当班时段，如 8-18 / hours on duty")] = "0-24",
    number: Annotated[UUID | None, typer.Option(help="修改已有的一项 / change this entry")] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """登记或修改一名联系人。 / Enter or change a contact."""
    settings, by = load(config), local_user().name
    begin, _, end = hours.partition("-")
    try:
        contact = Contact(
            region=parse_region(region) if region else settings.hub.region, contact_id=number or uuid4(), name=name,
            unit=unit, role=role, level=level, phone=phone, mail=mail, robot=robot, duty_days=days,
            duty_from=int(begin), duty_until=int(end),
        )  # fmt: skip
    except ValueError:
        fail("区域为六位代码，时段写作 8-18。 / A region has six digits, hours are written 8-18.")
    with_desk(settings, lambda desk: desk.keep_contact(contact, regions_of(settings, ""), by))
    typer.echo(f"{contact.contact_id} 已保存。 / Kept.")


@contacts.command()
def remove(
    number: Annotated[UUID, typer.Argument(help="联系人编号 / number of the contact")],
    config: Config = Path("sanji.toml"),
) -> None:
    """删除一名联系人。 / Take a contact out."""
    settings = load(config)
    with_desk(settings, lambda desk: desk.remove_contact(number, regions_of(settings, "")))
    typer.echo("已删除。 / Removed.")


@duty.command()
def call(
    platform: Annotated[str, typer.Argument(help="下级枢纽或平台 / hub or platform below")],
    minutes: Annotated[float, typer.Option(help="限时 / minutes to answer in")] = 10.0,
    config: Config = Path("sanji.toml"),
) -> None:
    """查岗：请下级值班人员限时应答。 / Ask for the person on duty below."""
    by = local_user().name
    document = _with_duty(load(config), lambda desk: desk.call(platform, minutes, by))
    typer.echo(f"{document.issuer_id}/{document.document_id} 已发出。 / Sent.")


@duty.command()
def answer(
    number: Annotated[str, typer.Argument(help="查岗 发起方/编号，见 list / issuer/id, see list")],
    name: Annotated[str, typer.Option(help="值班人姓名 / name of the person on duty")],
    text: Annotated[str, typer.Option(help="情况说明 / remarks")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """应答上级查岗。 / Answer a call from above."""
    issuer, _, document_id = number.partition("/")
    _with_duty(load(config), lambda desk: desk.answer(issuer, document_id, name, text))
    typer.echo("已应答。 / Answered.")


@duty.command(name="list")
def calls(limit: Limit = 20, json: Json = False, config: Config = Path("sanji.toml")) -> None:
    """列出查岗与应答。 / List calls and answers."""
    settings = load(config)
    rows = _with_duty(settings, lambda desk: desk.calls(None, limit))
    if json:
        print(as_json([_call_as_json(row) for row in rows]))
        return
    zone = ZoneInfo(settings.figures.zone)
    for row in rows:
        until = shown(datetime.fromtimestamp(row.content.deadline_time / 1_000_000, UTC), zone)
        said = row.answer.text if row.answer else f"待应答，限 {until} / waiting"
        typer.echo(visible(f"{row.issuer_id}/{row.document_id} → {row.content.addressee_id} {said}"))


def _with_duty(settings: Settings, act: Callable[[DutyDesk], Awaitable[T]]) -> T:
    async def acting(ledger: Ledger) -> T:
        return await act(make_duty_desk(settings, ledger, system_clock))

    return carry_out(settings, acting)


def _as_json(row: Contact) -> dict[str, object]:
    values = {name: getattr(row, name) for name in Contact.__struct_fields__}
    return {**values, "contact_id": str(row.contact_id), "region": format_region(row.region), "role": str(row.role)}


def _call_as_json(row: DocumentRow) -> dict[str, object]:
    answer = row.answer
    return {
        "issuer_id": row.issuer_id,
        "document_id": row.document_id,
        "addressee_id": row.content.addressee_id,
        "issued_time": row.content.issued_time,
        "deadline_time": row.content.deadline_time,
        "answered_time": answer.answered_time if answer else 0,
        "answer": answer.text if answer else "",
    }
