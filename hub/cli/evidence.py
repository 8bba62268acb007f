"""``sanji evidence``: the proof of a case in one file, and checking such a file anywhere, without a database."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from auth.case_proof import Checked, Finding, Proof, verify_proof, write_proof
from connectors.veiling import masked_by
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.ledger import ask
from hub.cli.terminal import as_json, fail, plain
from hub.clock import system_clock
from hub.evidence.casefile import case_of, proof_of
from hub.recording import recorded

commands = typer.Typer(no_args_is_help=True, help="案件证据：导出、核验。 / The proof of a case.")
app.add_typer(commands, name="evidence")


@commands.command()
def export(
    case: Annotated[str, typer.Option(help="案件编号 / number of the case")],
    issuer: Annotated[str, typer.Option(help="编号平台，如 431221.platform / who gave the number")],
    out: Annotated[Path, typer.Option(help="证据文件 / file to write")],
    config: Annotated[Path, typer.Option(help="设置文件 / settings file")] = Path("sanji.toml"),
) -> None:
    """导出一个案件的记录、回执、签名与证明。 / Write the records of a case with receipts, seals and proofs."""
    settings = load(config)

    async def act(ledger: Ledger) -> Proof:
        async with recorded(ledger, "case.prove", f"{issuer}/{case}") as doing:
            return await proof_of(doing.session, settings.hub.id, issuer, case, system_clock())

    proof = ask(settings, act)
    try:
        content = write_proof(proof, settings.tls.certificate.read_bytes(), settings.tls.key.read_bytes())
        with out.open("xb") as file:
            file.write(content)
    except FileExistsError:
        fail(f"{out} 已存在，不会覆盖。 / Exists already; nothing was overwritten.", 1)
    except (OSError, ValueError) as error:
        fail(f"未能写出证据：{error} / The proof was not written.", 1)
    signed = sum(bool(record.seals) for record in proof.records)
    print(f"已写入 {out}：{len(proof.records)} 条记录，其中 {signed} 条经发送方签名。 / written.")


@commands.command()
def verify(
    file: Annotated[Path, typer.Argument(help="证据文件 / the file")],
    authority: Annotated[
        Path | None, typer.Option(help="联盟签发机构证书（PEM） / certificates of the federation's authority")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """核验证据文件：离线，不需要数据库。 / Check such a file, offline."""
    try:
        content = file.read_bytes()
        authorities = authority.read_bytes() if authority is not None else b""
    except OSError as error:
        fail(f"无法读取：{error} / Cannot read it.", 2)
    try:
        checked = verify_proof(content, authorities, case_of)
    except Violated as violated:
        violation = violated.violation
        if json:
            print(as_json({"holds": False, "reason": violation.reason, "field": violation.field_path}))
        fail(f"不成立 {violation.reason} {violation.field_path}：{violation.message_zh}\n{violation.message}", 1)
    except ValueError as error:
        fail(f"{authority} 不是 PEM 证书：{error} / is no PEM certificate.", 2)
    if json:
        print(as_json(_as_json(checked)))
    else:
        _print(checked)


def _as_json(checked: Checked) -> dict[str, Any]:
    proof = checked.proof
    return {
        "holds": True,
        "is_trusted": checked.is_trusted,
        "exporter": checked.exporter,
        "exported": _shown(proof.exported_time),
        "issuer_id": proof.issuer_id,
        "case_no": proof.case_no,
        "case_state": proof.case_state,
        "records": [
            {
                "sender": finding.record.sender,
                "stream": finding.record.stream,
                "sequence": finding.record.sequence,
                "received": _shown(finding.record.received_time),
                "state": finding.record.state,
                "signed_with": list(finding.signed_with),
                "masked_by": _masked(finding)[0],
                "original_sha256": _masked(finding)[1],
            }
            for finding in checked.findings
        ],
    }


def _masked(finding: Finding) -> tuple[str, str]:
    """Returns who masked a record and the digest of what it was; empty texts for one as its origin wrote it."""
    found = masked_by(base64.b64decode(finding.record.parcel))
    return (found[0], found[1].hex()) if found else ("", "")


def _print(checked: Checked) -> None:
    proof = checked.proof
    table = Table(title=plain(f"{proof.issuer_id} {proof.case_no}（{proof.case_state}）"))
    for title in ("发送方 / sender", "流 / stream", "序号", "收到 / received", "结果 / state", "签名 / signed with"):
        table.add_column(title, overflow="fold")
    for record, signed_with in checked.findings:
        table.add_row(
            plain(record.sender),
            plain(record.stream),
            str(record.sequence),
            _shown(record.received_time),
            plain(record.state),
            plain("\n".join(signed_with) or "—"),
        )
    Console().print(table)
    for finding in checked.findings:
        hub_id, original = _masked(finding)
        if hub_id:
            print(
                f"第 {finding.record.sequence} 条的文字已由 {plain(hub_id)} 脱敏，所证为该枢纽发出的内容；原件摘要"
                f" / masked there; what is proved is what it sent. SHA-256 of the original:\n{original}"
            )
    print(f"由 {checked.exporter} 于 {_shown(proof.exported_time)} 导出 / exported")
    if checked.is_trusted:
        print("成立：文件未被改动，各签名均可追溯到所给签发机构。 / Holds, up to the authority given.")
    else:
        print("成立：文件未被改动；未给 --authority，未核对签发机构。 / Holds; name --authority to check whose it is.")


def _shown(moment: int) -> str:
    try:
        return f"{datetime.fromtimestamp(moment / 1_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return str(moment)
