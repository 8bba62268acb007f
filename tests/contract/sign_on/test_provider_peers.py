"""Relying parties of others run their flows against our provider: openid-client 6, and idpyoidc."""

import asyncio
import json
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from auth.oidc_provider.clients import new_secret, secret_digest
from hub.demo.staging import free_port
from tests.support.provider import SECRET, ProvidingHub, a_client
from tests.support.sign_on_peers import PEERS, need_django, need_node
from tests.support.sources import ROOT

_PINS = ROOT / "tests" / "peers"


async def _checks(*command: str) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=PEERS, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found = [json.loads(line) for line in output.decode().splitlines() if line.startswith("{")]
    assert found, errors.decode()
    assert found[-1]["name"] == "done", f"{found[-1]} {errors.decode()}"
    return found


async def _prepared(hub: ProvidingHub, folder: Path, secret: str = SECRET) -> Path:
    port = free_port()
    key = ECKey.generate_key("P-256", auto_kid=True)
    callback, bye = f"http://127.0.0.1:{port}/back", f"http://127.0.0.1:{port}/bye"
    keyed = {
        "auth_method": "private_key_jwt", "secret_digest": None, "jwks": json.dumps([key.as_dict(private=False)])
    }  # fmt: skip
    clients = {
        "basic": a_client(
            "client-basic", redirect_uris=[callback], post_logout_uris=[bye], audiences=["500000.hub"],
            logout_uri=f"http://127.0.0.1:{port}/backchannel",
        ),
        "post": a_client("client-post", redirect_uris=[callback], auth_method="client_secret_post"),
        "keyed": a_client("client-keyed", redirect_uris=[callback], **keyed),
        "pushing": a_client("client-pushing", redirect_uris=[callback], needs_pushed=True, **keyed),
        "rsa": a_client("client-rsa", redirect_uris=[callback], algorithm="RS256"),
    }  # fmt: skip
    for client in clients.values():
        digest = client.secret_digest and secret_digest(secret)
        await hub.register(client._replace(secret_digest=digest))
    opened = await hub.sign_in(acr="otp")
    file = folder / "rp.json"
    file.write_text(
        json.dumps({
            "issuer": hub.origin, "cookie": opened.token, "sub": str(opened.person.person_id), "callback": callback,
            "bye": bye, "port": port, "secret": secret, "key": key.as_dict(private=True), "audience": "500000.hub",
            "platform": "430000.hub", "clients": {name: client.client_id for name, client in clients.items()},
        }),
        encoding="utf-8",
    )  # fmt: skip
    return file


async def test_openid_client_finds_nothing_wrong(hub: ProvidingHub, tmp_path: Path) -> None:
    need_node()
    file = await _prepared(hub, tmp_path)
    async with hub.telling():
        found = await _checks("node", "--no-warnings", str(_PINS / "rp.mjs"), str(file))
    assert [check for check in found if not check["ok"]] == []
    assert len(found) >= 60


async def test_idpyoidc_finds_nothing_wrong(hub: ProvidingHub, tmp_path: Path) -> None:
    need_django()
    # It does not encode its secret for the header, so one as this hub makes them: there it makes no difference.
    file = await _prepared(hub, tmp_path, new_secret()[0])
    found = await _checks(str(PEERS / "python" / "bin" / "python"), str(_PINS / "rp_second.py"), str(file))
    assert [check for check in found if not check["ok"]] == []
    assert len(found) >= 17
