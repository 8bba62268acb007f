"""docs/rest.md as a vendor uses it: its example runs against a hub, its JSON is what the hub reads, its tables hold."""

import asyncio
import json
import re
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from connectors.county.profile import read_profile
from connectors.county.pusher import way_of
from connectors.errors import CredentialsRefused
from connectors.json_wire import parcel_from_json
from connectors.transports.rest import RestPeer, RestTarget
from connectors.wire import read_parcel
from exchange_db.reasons import REASONS
from exchange_db.records import Case
from exchange_db.session import Ledger
from hub.cli.peers import commands
from hub.clock import system_clock
from hub.evaluation.surveying import SurveyDesk
from hub.intake.desk import IntakeDesk
from hub.listener import Listener
from hub.rest import guard
from hub.rest.exchange import Exchange
from hub.rest.server import Calls, RestAddressTaken, RestServer
from hub.rest.surveys import SurveyCalls
from hub.sections.personal import PersonalPart
from hub.throttle import Throttle
from hub.veil import Veil
from tests.contract.connectors.conftest import Site
from tests.support.builders import CITY, COUNTY
from tests.support.personal import a_personal_desk
from tests.support.sources import ROOT
from tests.support.stages import value

_PAGE = (ROOT / "docs" / "rest.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_does_what_the_page_says(site: Site, tmp_path: Path) -> None:
    (example,) = _blocks("python")
    script = tmp_path / "example.py"
    script.write_text(example, encoding="utf-8")
    profile = site.profiles["rest"]
    assert profile.secret is not None
    host, _, port = profile.address.rpartition(":")
    words = [host, port, COUNTY, profile.secret, profile.authority, profile.thumbprint]
    ran = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", script, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert [line[:5] for line in lines] == ["(200,"] * 4
    assert COUNTY in lines[0]
    assert "OUTCOME_DURABLE" in lines[1]
    assert "BUSINESS_STATE_APPLIED" in lines[2]
    assert "'parcels'" in lines[3]
    assert value(site.hub, "SELECT count(*) FROM cases WHERE case_no LIKE 'REST-%%'") == 1


async def test_only_the_newest_tls_is_spoken_and_the_address_is_the_hubs_alone(site: Site) -> None:
    host, _, port = site.profiles["rest"].address.rpartition(":")
    old = ssl.create_default_context(cafile=site.profiles["rest"].authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    # Some hang up without the alert that would say why.
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await asyncio.open_connection(host, int(port), ssl=old, server_hostname=CITY)
    old.maximum_version = ssl.TLSVersion.TLSv1_3
    _, writer = await asyncio.open_connection(host, int(port), ssl=old, server_hostname=CITY)
    writer.transport.abort()
    tls = site.hub.settings.tls
    async with Ledger(site.hub.url, pool_size=0) as ledger:
        listener = Listener(ledger)
        desk, personal = IntakeDesk(ledger, listener, 431200, system_clock), a_personal_desk(ledger, system_clock)
        exchange = Exchange(ledger, desk, listener, 431200, system_clock, personal, Veil("431200.hub", PersonalPart()))
        second = RestServer(
            guard.RestGuard(
                ledger, system_clock, Throttle(system_clock, 1_000), Throttle(system_clock, 1_000), "431200.hub"
            ),
            Calls(exchange, SurveyCalls(SurveyDesk(ledger, site.hub.settings, system_clock))),
            address=site.profiles["rest"].address,
            certificate=tls.certificate,
            key=tls.key,
            per_address=10,
            drain_seconds=1.0,
        )
        with pytest.raises(RestAddressTaken, match=port):
            await second.start()
        await second.stop()


def test_the_json_of_the_page_is_read_and_keeps_the_contract() -> None:
    sent: Any = json.loads(_blocks("json")[0])
    (parcel,) = sent["parcels"]
    record = read_parcel(parcel_from_json(json.dumps(parcel).encode())).record
    assert isinstance(record, Case)
    assert record.report is not None
    assert (record.case_no, record.report.address) == ("2020-0001", "中方县芙蓉路12号")


def test_the_page_tells_every_status_and_only_reasons_that_exist() -> None:
    rows = dict(re.findall(r"^\| ([45]\d\d(?:, 503)?) \| (.*?) \|", _PAGE, re.MULTILINE))
    told = {
        (reason, int(status))
        for statuses, reasons in rows.items()
        for reason in re.findall(r"`([A-Z_]+)`", reasons)
        for status in statuses.split(", ")
    }
    assert {reason for reason, _ in told} <= REASONS.keys()
    assert {(reason, status) for reason, status in guard._STATUSES.items()} <= told
    assert {reason for reason, status in told if status == 400} & guard._STATUSES.keys() == set()


async def _secret(*words: object) -> Result:
    """Runs ``sanji peers secret`` in this process: a process of its own takes seconds to begin."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(commands, ["secret", *map(str, words)]))


async def test_the_command_gives_a_platform_all_it_needs_and_a_new_secret_ends_the_old(
    site: Site, tmp_path: Path
) -> None:
    rest = site.profiles["rest"].address
    words = ("431223.platform", "--address", rest, "--config", site.hub.settings_file)
    made = await _secret(*words, "--name", "辰溪县平台", "--out", tmp_path / "keys")
    assert made.exit_code == 0, made.output
    folder = tmp_path / "keys"
    assert (folder / "secret").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "secret").read_text().strip() not in made.output
    target = way_of(read_profile(folder))
    assert isinstance(target, RestTarget)
    async with RestPeer(target) as hub:
        assert (await hub.ask("GET", "/v1/whoami"))["peer_id"] == "431223.platform"
        shown = await _secret(*words)
        assert shown.exit_code == 0, shown.output
        secrets = re.findall(r"^[0-9a-f]{64}$", shown.output, re.MULTILINE)
        assert len(secrets) == 1
        try:
            await hub.ask("GET", "/v1/whoami")
        except CredentialsRefused as refused:
            assert refused.reason == "CALL_SIGNATURE_INVALID"
        else:
            raise AssertionError("the old secret still holds")
    async with RestPeer(target._replace(secret=secrets[0])) as hub:
        assert (await hub.ask("GET", "/v1/whoami"))["peer_id"] == "431223.platform"
    assert value(site.hub, "SELECT name FROM peers WHERE peer_id = '431223.platform'") == "辰溪县平台"
    elsewhere = await _secret("440100.platform", "--config", site.hub.settings_file)
    assert (elsewhere.exit_code, "440100" in elsewhere.output) == (1, True)
