"""``sanji sign-on client|issuer|key`` as people run it, and every change of it in the audit log."""

import asyncio
import importlib
import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from joserfc.jwk import ECKey
from typer.testing import CliRunner

from auth.oidc_provider.clients import secret_digest
from exchange_db import audit, sign_on
from exchange_db.session import Ledger
from hub.cli.sign_on import commands


class Ran(NamedTuple):
    """How a command ended; ``told`` is all it printed."""

    code: int
    told: str


async def sanji(*words: object) -> Ran:
    """Runs the command in this process: another one for each of these would cost seconds."""
    importlib.import_module("hub.cli.sign_on_clients")
    given = [str(word) for word in words]
    ran = await asyncio.to_thread(CliRunner().invoke, commands, given, env={"COLUMNS": "200"})
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.output
    return Ran(ran.exit_code, ran.output)


_FILE = """
client_id = "province-console"
platform_id = "430000.hub"
name = "省级平台"
auth_method = "{method}"
redirect_addresses = ["https://province.example/back"]
{more}
"""


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Path:
    """The settings of a city's hub."""
    file = tmp_path / "sanji.toml"
    file.write_text(
        f'[hub]\nid = "431200.hub"\nname = "怀化"\n[database]\nurl = "{database_url}"\n'
        '[console]\norigin = "https://city.example"\nwrapping_key = "wrapping.key"\n',
        encoding="utf-8",
    )
    return file


def _written(folder: Path, method: str = "client_secret_basic", more: str = "") -> Path:
    file = folder / "client.toml"
    file.write_text(_FILE.format(method=method, more=more), encoding="utf-8")
    return file


def _secret(ran: Ran) -> str:
    found = re.search(r"shown once: ([\w-]{43})\n", ran.told)
    assert found, ran.told
    return found[1]


async def test_a_platform_is_registered_listed_rotated_and_removed(
    config: Path, tmp_path: Path, ledger: Ledger
) -> None:
    words = ("--config", config)
    file = _written(tmp_path)
    ran = await sanji("client", "add", file, *words)
    assert ran.code == 0, ran.told
    first = _secret(ran)
    assert (await sanji("client", "add", file, *words)).code == 1
    listed = await sanji("client", "list", "--json", *words)
    assert json.loads(listed.told)[0]["redirect_uris"] == ["https://province.example/back"]
    assert "省级平台" in (await sanji("client", "list", *words)).told
    second = _secret(await sanji("client", "rotate", "province-console", *words))
    async with ledger.read() as session:
        client = await sign_on.find(session, "province-console")
    assert client is not None
    assert first != second
    assert client.secret_digest == secret_digest(second)
    assert (await sanji("client", "remove", "province-console", *words)).code == 0
    ran = await sanji("client", "remove", "province-console", *words)
    assert (ran.code, "没有登记" in ran.told) == (1, True)
    async with ledger.read() as session:
        lines = [line async for line in audit.lines(session)]
    found = [(line.action, line.outcome) for line in lines if line.action.startswith("client.")]
    assert found == [
        ("client.add", "done"), ("client.add", "refused"), ("client.rotate", "done"), ("client.remove", "done"),
        ("client.remove", "refused"),
    ]  # fmt: skip
    told = b"".join(line.content for line in lines)
    assert first.encode() not in told
    assert second.encode() not in told


async def test_a_file_that_breaks_a_rule_is_told_in_words(config: Path, tmp_path: Path) -> None:
    ran = await sanji("client", "add", _written(tmp_path, more='logout_address = "ftp://x"'), "--config", config)
    assert (ran.code, "logout_address" in ran.told) == (2, True), ran.told
    broken = tmp_path / "broken.toml"
    broken.write_text("client_id =", encoding="utf-8")
    assert (await sanji("client", "add", broken, "--config", config)).code == 2
    assert (await sanji("client", "add", tmp_path / "none.toml", "--config", config)).code == 2


async def test_keys_of_platforms_and_hubs_and_our_own(config: Path, tmp_path: Path, ledger: Ledger) -> None:
    words = ("--config", config)
    keys = [ECKey.generate_key("P-256", auto_kid=True) for _ in range(2)]
    for number, key in enumerate(keys):
        (tmp_path / f"{number}.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}), encoding="utf-8")
    file = _written(tmp_path, "private_key_jwt", 'keys = "0.json"')
    assert (await sanji("client", "add", file, *words)).code == 0
    ran = await sanji("client", "rotate", "province-console", *words)
    assert ran.code == 1
    ran = await sanji("client", "rotate", "province-console", "--keys", tmp_path / "1.json", *words)
    assert ran.code == 0, ran.told
    async with ledger.read() as session:
        client = await sign_on.find(session, "province-console")
    assert client is not None
    assert [key["kid"] for key in client.public_keys] == [keys[1].kid]
    issuer = tmp_path / "issuer.toml"
    issuer.write_text(
        'issuer = "https://county.example"\nplatform_id = "431221.hub"\nkeys = "0.json"\n', encoding="utf-8"
    )
    assert (await sanji("issuer", "add", issuer, *words)).code == 0
    assert (await sanji("issuer", "remove", "https://county.example", *words)).code == 0
    assert (await sanji("issuer", "remove", "https://county.example", *words)).code == 1
    ran = await sanji("key", "rotate", *words)
    assert (ran.code, "ES256" in ran.told, "RS256" in ran.told) == (0, True, True)
    assert (await sanji("key", "list", *words)).told.count("next") == 2
