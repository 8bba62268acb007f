"""Signed batches where the receiver fetches: a city that cannot be dialled, and what its province signs for it."""

import asyncio
from pathlib import Path

from auth.batch_keys import Algorithm
from auth.case_proof import verify_proof, write_proof
from connectors.county.pusher import target_of
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger
from hub.clock import system_clock
from hub.demo.staging import Stage, StagedHub
from hub.evidence.casefile import case_of, proof_of
from protos.exchange.v1 import receipt_pb2
from tests.support.builders import a_case, a_report
from tests.support.parties import CITY, PROVINCE, Party
from tests.support.stages import quick, staged, until_value, value

PLATFORM = "430000.platform"
CASES = "SELECT count(*) FROM cases WHERE case_no = %s"


def test_what_is_fetched_is_signed_as_the_fetching_side_demands(server: EmbeddedServer) -> None:
    with staged(server) as stage:
        asyncio.run(_prove(stage))


async def _prove(stage: Stage) -> None:
    province = await stage.add_hub(PROVINCE, "湖南省枢纽", f'[signing]\nkeys = ["batch.key"]\n\n{quick()}')
    city = await stage.add_hub(CITY, "怀化市枢纽", quick(), is_dialled=False)
    stage.add_signing_key(province, Algorithm.ES256)
    for hub in (province, city):
        hub.start()
        await hub.wait_until_open()
    await stage.join(province, city)
    assert value(city, "SELECT count(*) FROM batch_keys WHERE peer_id = %s", PROVINCE) == 1
    await stage.require_signed(city, province, Algorithm.ES256)
    platform = Party(PLATFORM, target_of(await stage.add_platform(province, PLATFORM)))

    async def report(case_no: str) -> None:
        answer = await platform.push(a_case(case_no, PLATFORM, report=a_report(authority_id=CITY)))
        assert answer.receipt.state == receipt_pb2.BUSINESS_STATE_APPLIED, answer

    await report("F-1")
    await until_value(city, 1, CASES, "F-1")
    held = "SELECT count(*) FROM batch_seals JOIN streams USING (stream_id) WHERE sender_id = %s AND name = 'fetched'"
    assert value(city, held, PROVINCE) >= 1
    await _prove_the_case(city, stage.folder / "authority.pem")
    await stage.require_signed(city, province, Algorithm.SM2_SM3)
    await report("F-2")
    log = city.folder / "hub.log"
    for _ in range(600):
        if "BATCH_UNSIGNED" in log.read_text(errors="replace"):
            break
        await asyncio.sleep(0.1)
    assert "fetch 430000.hub: BATCH_UNSIGNED" in log.read_text(errors="replace")
    assert value(city, CASES, "F-2") == 0
    await stage.require_signed(city, province, Algorithm.ES256)
    await until_value(city, 1, CASES, "F-2")


async def _prove_the_case(city: StagedHub, authority: Path) -> None:
    """The proof of a fetched case leads to the province's signature and on to the authority."""
    async with Ledger(city.url, pool_size=0) as ledger, ledger.read() as session:
        proof = await proof_of(session, CITY, PLATFORM, "F-1", system_clock())
    tls = city.settings.tls
    content = write_proof(proof, tls.certificate.read_bytes(), tls.key.read_bytes())
    checked = verify_proof(content, authority.read_bytes(), case_of)
    assert [(found.record.sender, len(found.signed_with)) for found in checked.findings] == [(PROVINCE, 1)]
