"""``sanji keys``: a development authority, certificates from it, signing keys, and what a certificate says.

A production federation has an authority of its own; its certificates need the same names.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from auth import certificates
from auth.batch_keys import Algorithm, SigningKey
from auth.certificates import Certified
from auth.key_cards import write_card
from auth.sm import SmUnavailable
from exchange_db.records import Violated
from hub.cli.app import app
from hub.cli.terminal import fail
from hub.federation.signing_cards import card_beside

commands = typer.Typer(no_args_is_help=True, help="证书：测试用签发机构、签发、查看。 / Certificates.")
app.add_typer(commands, name="keys")


@commands.command()
def authority(
    folder: Annotated[Path, typer.Argument(help="存放目录 / folder to write to")],
    name: Annotated[str, typer.Option(help="机构名称 / name of the authority")] = "Sanji development authority",
) -> None:
    """建立测试用签发机构（十年）。 / Make a development authority, valid for ten years."""
    made = certificates.make_authority(name, datetime.now(UTC))
    _write(made, folder / "authority.pem", folder / "authority.key")
    typer.echo(f"已写入 {folder / 'authority.pem'}；请妥善保管 authority.key。 / Written; keep authority.key safe.")


@commands.command()
def issue(
    platform_id: Annotated[str, typer.Argument(help="平台标识，如 431200.hub / name of the hub or platform")],
    authority: Annotated[Path, typer.Option(help="签发机构所在目录 / folder of the authority")] = Path("authority"),
    out: Annotated[Path, typer.Option(help="存放目录 / folder to write to")] = Path("keys"),
    days: Annotated[int, typer.Option(min=1, max=3650, help="有效天数 / days it is valid")] = 730,
    name: Annotated[list[str] | None, typer.Option(help="其他主机名或 IP，可重复 / further host names or IPs")] = None,
) -> None:
    """签发证书：写入 <名称>.pem、<名称>.key 和 authority.pem。 / Issue a certificate."""
    try:
        signer = Certified((authority / "authority.pem").read_bytes(), (authority / "authority.key").read_bytes())
        issued = certificates.issue(signer, platform_id, datetime.now(UTC), days=days, names=tuple(name or ()))
    except OSError as error:
        _fail(
            f"{authority} 中没有签发机构：{error.strerror}。请先执行 sanji keys authority {authority}。",
            "No authority.",
        )
    except ValueError as error:
        _fail(f"无法签发 {platform_id}：{error}。平台标识形如 431200.hub。", "Cannot issue that.")
    label = platform_id.partition(".")[2]
    _write(issued, out / f"{label}.pem", out / f"{label}.key")
    if not (out / "authority.pem").exists():
        (out / "authority.pem").write_bytes(signer.certificate)
    print(f"已签发 {platform_id} / issued: {out / label}.pem\n{certificates.thumbprint(issued.certificate)}")


@commands.command()
def signing(
    certificate: Annotated[Path, typer.Option(help="本方证书 / our certificate")],
    key: Annotated[Path, typer.Option(help="本方证书的私钥 / its private key")],
    algorithm: Annotated[Algorithm, typer.Option(help="签名算法 / how batches are signed")] = Algorithm.SM2_SM3,
    out: Annotated[Path, typer.Option(help="存放目录 / folder to write to")] = Path("keys"),
    name: Annotated[str, typer.Option(help="文件名；默认按算法 / name of the files; default: the algorithm")] = "",
    days: Annotated[int, typer.Option(min=1, max=3650, help="有效天数 / days it is valid")] = 730,
    begin_days: Annotated[int, typer.Option(min=0, max=365, help="多少天后生效 / days until it begins")] = 0,
) -> None:
    """生成批次签名密钥（SM2、P-256 或 Ed25519）及其密钥卡。 / Make a key that batches are signed with, and its card."""
    now = datetime.now(UTC)
    file = out / f"{name or algorithm.lower()}.key"
    begin = now + timedelta(days=begin_days)
    try:
        made = SigningKey.generate(algorithm)
        pem = certificate.read_bytes()
        card = write_card(
            certificates.id_of(pem), made.public, begin, begin + timedelta(days=days), now, pem, key.read_bytes()
        )
        out.mkdir(parents=True, exist_ok=True)
        made.write(file)
        card_beside(file).write_bytes(card)
    except FileExistsError:
        _fail(f"{file} 已存在，不会覆盖。请另取名称。", "Exists already; nothing was overwritten.")
    except (OSError, ValueError, Violated, SmUnavailable) as error:
        _fail(f"未能生成签名密钥：{error}", "No signing key was made.")
    print(f"已写入 {file} 与 {card_beside(file)} / written; key {made.public.key_id}")
    print("请把私钥写入 signing.keys，密钥卡交给邻居登记。 / Name the key in signing.keys; neighbours get the card.")


@commands.command()
def show(file: Annotated[Path, typer.Argument(help="证书文件 / certificate file")]) -> None:
    """显示证书属于谁、何时到期。 / Show whose certificate it is and when it ends."""
    try:
        pem = file.read_bytes()
        end = certificates.end_time_of(pem)
    except OSError as error:
        _fail(f"无法读取 {file}：{error.strerror}。", "Cannot read the file.")
    except ValueError:
        _fail(f"{file} 不是 PEM 证书。", "That is not a PEM certificate.")
    try:
        platform_id = certificates.id_of(pem)
    except Violated:
        platform_id = "—"
    print(f"标识 / id: {platform_id}")
    print(f"指纹 / thumbprint: {certificates.thumbprint(pem)}")
    print(f"到期 / ends: {end:%Y-%m-%d %H:%M} UTC, {(end - datetime.now(UTC)).days} d")
    print(f"主机名 / names: {', '.join(certificates.hosts_of(pem)) or '—'}")
    print(f"签发者 / issuer: {certificates.issuer_of(pem)}")


def _write(certified: Certified, certificate: Path, key: Path) -> None:
    try:
        certificates.write(certified, certificate, key)
    except FileExistsError as error:
        _fail(
            f"文件已存在，不会覆盖：{error.filename or error}。请另选目录。", "Exists already; nothing was overwritten."
        )
    except OSError as error:
        _fail(f"无法写入 {certificate.parent}：{error.strerror}。", "Cannot write there.")


def _fail(chinese: str, english: str) -> NoReturn:
    fail(f"{chinese} / {english}", 1)
