"""``sanji conformance``: puts a hub to the test as one of its neighbours, and reads, checks and ships what that needs.

``sanji conformance platform``, the other face, is in ``hub.cli.conformance_platform``.
"""

import asyncio
import logging
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from auth import certificates
from auth.batch_keys import SigningKeyUnusable
from conformance import platform_running, running
from conformance.checks import CHECKS, GROUP_TITLES, VERDICT_TITLES, Check, Face, Finding, Verdict, checks_of
from conformance.kit import PagesMissing, write_kit
from conformance.neighbourhood import Extras
from conformance.page import page_of
from conformance.report import Report, Run, Verified, report_of, require_signing, verify_report, write_report
from conformance.scene import Terms, new_run
from connectors.county.profile import Profile, ProfileInvalid, read_profile
from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import Target
from exchange_db.records import Violated
from exchange_db.regions import region_of
from hub.cli.app import app
from hub.cli.terminal import as_json, fail, plain
from hub.federation.sealing import platform_sealer

commands = typer.Typer(help="一致性检验：检验枢纽或平台是否合乎契约。 / Put a hub or a platform to the test.")
app.add_typer(commands, name="conformance")

_COLOURS = {Verdict.PASSED: "green", Verdict.FAILED: "red"}
#: Both faces are entered by importing them; named here so that nobody takes the imports for unused.
_ENTERED = (running.MODULES, platform_running.MODULES)

Patience = Annotated[float, typer.Option(min=1, max=600, help="等一次答复的最长秒数 / longest wait for one answer")]
Only = Annotated[
    list[str] | None, typer.Option(help="只做这些组或检验项，可多次 / only these groups or checks; may be repeated")
]
Out = Annotated[Path, typer.Option(help="报告存放目录 / folder for the report")]


class Signer(NamedTuple):
    """Who signs the report: certificate and key, PEM."""

    certificate: bytes
    key: bytes

    @property
    def platform_id(self) -> str:
        """The name in the certificate."""
        return certificates.id_of(self.certificate)


@commands.callback(invoke_without_command=True)
def conformance(
    context: typer.Context,
    target: Annotated[str, typer.Option(help="枢纽地址 HOST:PORT；默认用档案中的 / address of the hub")] = "",
    to: Annotated[Path | None, typer.Option(help="连接档案（目录或 profile.toml） / profile of the hub")] = None,
    hub_id: Annotated[str, typer.Option(help="枢纽标识，如 431200.hub / its name")] = "",
    authority: Annotated[Path | None, typer.Option(help="签发机构证书 / the authority's certificate")] = None,
    certificate: Annotated[Path | None, typer.Option(help="本方证书 / our certificate")] = None,
    key: Annotated[Path | None, typer.Option(help="本方私钥 / its key")] = None,
    region: Annotated[str, typer.Option(help="测试案件的县级区划，默认本平台的 / county of the test cases")] = "",
    standard: Annotated[str, typer.Option(help="测试案件的标准 / standard of their class")] = "GB/T-30428.2-2013",
    class_code: Annotated[str, typer.Option(help="测试案件的事件类别 / their class, an event")] = "0203",
    source: Annotated[str, typer.Option(help="测试案件的问题来源 / their source")] = "01",
    prefix: Annotated[str, typer.Option(help="测试案件编号前缀 / begin of their numbers")] = "SANJI-TEST",
    second: Annotated[Path | None, typer.Option(help="第二个邻居的档案 / profile of a second neighbour")] = None,
    expired: Annotated[
        Path | None, typer.Option(help="已过期的证书，旁有同名 .key / an expired certificate, its .key beside it")
    ] = None,
    unregistered: Annotated[
        Path | None, typer.Option(help="本平台名下未登记的证书 / one in our name that is not registered")
    ] = None,
    other_name: Annotated[
        Path | None, typer.Option(help="他人名下未登记的证书 / one in another name that is not registered")
    ] = None,
    only: Only = None,
    patience: Patience = 20.0,
    out: Out = Path(),
) -> None:
    """检验枢纽：以邻居身份报送测试数据并逐项核对。 / Put a hub to the test as one of its neighbours."""
    if context.invoked_subcommand is not None:
        return
    logging.getLogger("grpc").setLevel(logging.CRITICAL)
    checks = wanted(Face.HUB, only)
    dialled = _dialled(to, target, hub_id, (authority, certificate, key))
    signer = signing(dialled.certificate, dialled.key)
    terms = Terms(
        platform_id=signer.platform_id, region_code=_county(region, signer.platform_id), standard_ref=standard,
        class_code=class_code, source_code=source, prefix=prefix, patience_seconds=patience, run=new_run(),
    )  # fmt: skip
    extras = Extras(_second(second), _with_key(expired), _with_key(unregistered), _with_key(other_name))
    print(f"测试案件编号以 {terms.prefix}-{terms.run} 开头，区划 {terms.region_code}，检验后作废。 / test cases")
    finish(_report(dialled, terms, checks, extras), signer, out)


def _report(dialled: Target, terms: Terms, checks: Sequence[Check], extras: Extras) -> Report:
    """Makes the checks; ends the command when the hub cannot be tested at all."""
    begin = datetime.now(UTC)
    try:
        findings, cleared = asyncio.run(running.check_hub(dialled, terms, checks, extras, told))
    except ConnectorError as error:
        fail(f"无法检验：{error} / The hub cannot be tested.", 2)
    except KeyboardInterrupt:
        fail(f"已中断；编号 {terms.prefix}-{terms.run} 的测试案件可能未作废。 / Interrupted.", 130)
    run = Run(
        Face.HUB, dialled.peer_id, dialled.address, terms.platform_id, terms.run, terms.prefix, terms.region_code,
        begin, datetime.now(UTC),
    )  # fmt: skip
    return report_of(run, findings, cleared)


def wanted(face: Face, only: Sequence[str] | None) -> list[Check]:
    """Returns the checks that are asked for; ends the command when there is none of that name."""
    try:
        return checks_of(face, tuple(only or ()))
    except ValueError as error:
        fail(f"没有检验项或组 {error}，见 sanji conformance checks。 / There is no such check or group.")


def signing(certificate: Path, key: Path) -> Signer:
    """Reads who signs the report; ends the command when that cannot be done."""
    try:
        signer = Signer(certificate.read_bytes(), key.read_bytes())
        require_signing(*signer)
        certificates.id_of(signer.certificate)
    except OSError as error:
        fail(f"无法读取 {error.filename}：{error.strerror} / Cannot read it.")
    except (ValueError, Violated) as error:
        fail(f"{certificate} 不能用于签署报告：{error} / cannot sign the report.")
    return signer


def _dialled(to: Path | None, address: str, hub_id: str, files: tuple[Path | None, ...]) -> Target:
    if to is not None:
        target = _target_of(to)
        return target._replace(address=address or target.address)
    authority, certificate, key = files
    if not (address and hub_id and authority and certificate and key):
        fail(
            "请给出 --to 档案，或 --target、--hub-id、--authority、--certificate、--key。"
            " / Name a profile, or address, hub and certificates."
        )
    return Target(hub_id, address, "", authority, certificate, key)


def _target_of(path: Path) -> Target:
    try:
        profile = read_profile(path)
        sealing = platform_sealer(profile) if profile.signing_keys else None
    except (ProfileInvalid, SigningKeyUnusable) as error:
        fail(str(error))
    certificate, key = _files_of(profile)
    return Target(
        profile.hub_id, profile.address, profile.thumbprint, profile.authority, certificate, key, sealing,
        profile.second_thumbprint,
    )  # fmt: skip


def _files_of(profile: Profile) -> tuple[Path, Path]:
    if profile.certificate is None or profile.key is None:
        fail("一致性检验须经 gRPC，档案须有 certificate 和 key。 / Conformance is tested by gRPC.")
    return profile.certificate, profile.key


def _second(path: Path | None) -> Target | None:
    return _target_of(path) if path is not None else None


def _with_key(path: Path | None) -> tuple[Path, Path] | None:
    if path is None:
        return None
    key = path.with_suffix(".key")
    for file in (path, key):
        if not file.is_file():
            fail(f"找不到 {file}。 / There is no such file.")
    return path, key


def _county(region: str, platform_id: str) -> str:
    code = region or f"{region_of(platform_id):06d}"
    if len(code) != 6 or not code.isdigit() or code.endswith("00"):
        fail(f"{code} 不是县级区划，请以 --region 给出。 / is no county: name one with --region.")
    return code


def told(finding: Finding) -> None:
    """Prints one finding as it is made."""
    verdict = Verdict(finding.verdict)
    colour, title = _COLOURS.get(verdict, "yellow"), VERDICT_TITLES[verdict]
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[{colour}]{title.chinese}[/] {plain(finding.check_id)}  {plain(finding.title_zh)}")
    if verdict is Verdict.FAILED:
        console.print(f"    应为 / expected: {plain(finding.expected) or '—'}\n    实为 / came: {plain(finding.came)}")


def finish(report: Report, signer: Signer, out: Path) -> NoReturn:
    """Writes the report, says how it ended, and ends the command: 1 when something failed."""
    file = out / f"conformance-{report.run}.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        file.write_bytes(write_report(report, *signer))
        file.with_suffix(".html").write_text(page_of(report), encoding="utf-8")
    except OSError as error:
        fail(f"无法写入 {out}：{error.strerror} / Cannot write there.")
    _print_summary(report)
    print(f"报告 / report: {file} {file.with_suffix('.html').name}")
    raise typer.Exit(0 if report.is_passed else 1)


def _print_summary(report: Report) -> None:
    counts = "，".join(f"{title.chinese} {report.counts[verdict]}" for verdict, title in VERDICT_TITLES.items())
    print(f"{'通过' if report.is_passed else '未通过'}：{counts} / {'passed' if report.is_passed else 'not passed'}")
    cases = f"测试案件：作废 {report.voided_cases}，已终止 {report.ended_cases}"
    if report.open_cases:
        cases += f"，未能作废 {len(report.open_cases)}：{'、'.join(report.open_cases[:5])}"
    print(f"{cases} / test cases")


@commands.command()
def verify(
    file: Annotated[Path, typer.Argument(help="签名的报告（JSON） / the signed report")],
    authority: Annotated[
        Path | None, typer.Option(help="联盟签发机构证书（PEM） / certificates of the federation's authority")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
    html: Annotated[Path | None, typer.Option(help="另存为网页 / write it as a page as well")] = None,
) -> None:
    """核验报告：离线，不需要数据库。 / Prove a report, offline."""
    try:
        content = file.read_bytes()
        authorities = authority.read_bytes() if authority is not None else b""
    except OSError as error:
        fail(f"无法读取：{error} / Cannot read it.", 2)
    try:
        verified = verify_report(content, authorities)
    except Violated as violated:
        if json:
            print(as_json({"holds": False, "reason": violated.violation.reason}))
        fail(f"不成立：{violated.violation.message_zh} / {violated.violation.message}", 1)
    except ValueError as error:
        fail(f"{authority} 不是 PEM 证书：{error} / is no PEM certificate.", 2)
    if html is not None:
        html.write_text(page_of(verified.report), encoding="utf-8")
    if json:
        print(as_json(_as_json(verified)))
    else:
        _print_verified(verified)


def _as_json(verified: Verified) -> dict[str, object]:
    report = verified.report
    failed = [item.check_id for item in report.findings if item.verdict == Verdict.FAILED]
    return {
        "holds": True,
        "is_trusted": verified.is_trusted,
        "signer": verified.signer_id,
        "subject": report.subject_id,
        "end_time": report.end_time,
        "is_passed": report.is_passed,
        "counts": report.counts,
        "failed": failed,
    }


def _print_verified(verified: Verified) -> None:
    report = verified.report
    print(f"{plain(verified.signer_id)} 于 {plain(report.end_time)} 检验 {plain(report.subject_id)} / tested")
    _print_summary(report)
    for item in report.findings:
        if item.verdict == Verdict.FAILED:
            told(item)
    if verified.is_trusted:
        print("成立：报告未被改动，签署方可追溯到所给签发机构。 / Holds, up to the authority given.")
    else:
        print("成立：报告未被改动；未给 --authority，未核对签发机构。 / Holds; name --authority to check whose it is.")


@commands.command()
def checks(
    json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """列出全部检验项及其要求。 / List every check and its requirement."""
    if json:
        rows = [{"id": item.check_id, "title": str(item.title), "source": item.source} for item in CHECKS.values()]
        print(as_json(rows))
        return
    table = Table(title="检验项 / checks")
    for title in ("编号 / id", "组 / group", "检验项 / check", "要求 / requirement", "出处 / source"):
        table.add_column(title, overflow="fold")
    for item in CHECKS.values():
        group = GROUP_TITLES[item.group].chinese
        table.add_row(item.check_id, group, str(item.title), item.requirement.chinese, item.source)
    Console().print(table)


@commands.command()
def kit(
    out: Annotated[Path, typer.Option(help="目录；不得已有 / folder, must not exist")],
    platform_id: Annotated[str, typer.Option(help="样例中的平台 / platform in the samples")] = "431221.platform",
    region: Annotated[str, typer.Option(help="样例中的县级区划 / county in the samples")] = "",
    has_archive: Annotated[bool, typer.Option("--zip", help="另存为 zip / write a zip beside it")] = False,
) -> None:
    """导出契约、文档和带应答的样例消息，供其他语言的实现者使用。 / Ship the contract, pages and samples."""
    try:
        terms = Terms(platform_id=platform_id, region_code=_county(region, platform_id))
        files = write_kit(out, terms)
    except FileExistsError:
        fail(f"{out} 已存在，不会覆盖。 / Exists already; nothing was overwritten.", 1)
    except PagesMissing as error:
        fail(f"{error} 没有所需文档，请在源码目录执行。 / The pages are not there; run it in the sources.", 1)
    except (OSError, ValueError) as error:
        fail(f"未能导出：{error} / Not written.", 1)
    if has_archive:
        print(shutil.make_archive(str(out), "zip", out))
    print(f"已写入 {out}：{len(files)} 个文件 / files written")
