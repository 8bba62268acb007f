"""The store in a bucket: the same promises over a real S3 interface (moto's server, on this machine)."""

import asyncio
import hashlib
import http.client
import logging
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from exchange_db.embedded import EmbeddedServer
from hub.evidence.errors import NotStored, StoreUnavailable
from hub.evidence.store import EvidenceStore
from hub.sections.evidence import EvidencePart
from tests.support.evidence import Witnesses, build_witnesses
from tests.support.photos import a_film, a_photo, an_offer, digest_of
from tests.support.stages import staged


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """URL of an S3 interface with a bucket named ``evidence``."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    making = http.client.HTTPConnection(host, int(port))
    making.request("PUT", "/evidence")
    assert making.getresponse().status == 200
    making.close()
    url = f"http://{host}:{port}"
    yield url
    server.stop()


def _part(endpoint: str, bucket: str = "evidence") -> EvidencePart:
    values = {"s3_bucket": bucket, "s3_endpoint": endpoint, "s3_access_key": "test", "s3_secret_key": "test"}
    return EvidencePart.model_validate(values)


async def _digest_in(store: EvidenceStore, digest: str) -> str:
    hashing = hashlib.sha256()
    async for piece in store.pieces(digest):
        assert len(piece) <= 1_048_576
        hashing.update(piece)
    return hashing.hexdigest()


@pytest.mark.parametrize("size", [1_000, 8_388_608, 25_000_000])
async def test_bytes_go_in_by_parts_and_come_out_the_same(endpoint: str, tmp_path: Path, size: int) -> None:
    store, path = EvidenceStore(_part(endpoint)), tmp_path / "film.mp4"
    digest = a_film(path, size, size)
    await store.put(digest, path)
    assert await _digest_in(store, digest) == digest
    await store.put(digest, path)
    assert await _digest_in(store, digest) == digest


async def test_what_is_not_there_and_a_bucket_that_is_not_there_are_told_apart(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(NotStored):
        await _digest_in(EvidenceStore(_part(endpoint)), "ab" * 32)
    path = tmp_path / "photo.jpg"
    path.write_bytes(a_photo())
    with pytest.raises(StoreUnavailable):
        await EvidenceStore(_part(endpoint, "nowhere")).put(digest_of(a_photo()), path)


def test_a_hub_keeps_its_evidence_in_a_bucket(server: EmbeddedServer, endpoint: str, tmp_path: Path) -> None:
    photo = a_photo(41)

    async def prove(site: Witnesses) -> None:
        offer = an_offer(photo, "M-1")
        assert not (await site.county.hand_in(tmp_path, photo, offer)).is_duplicate
        assert (await site.county.hand_in(tmp_path, photo, offer)).is_duplicate
        assert await site.county.fetch(tmp_path, offer.digest) == photo
        held = S3Store(
            "evidence",
            endpoint=endpoint,
            region="us-east-1",
            access_key_id="test",
            secret_access_key="test",
            client_options={"allow_http": True},
        )
        name = f"{offer.digest[:2]}/{offer.digest[2:4]}/{offer.digest}"
        assert bytes((await obstore.get_async(held, name)).bytes()) == photo
        await obstore.put_async(held, name, photo[:-1] + b"?")
        with pytest.raises(Exception, match="came to harm"):
            await site.county.fetch(tmp_path, offer.digest)

    with staged(server) as stage:
        lines = ('s3_bucket = "evidence"', f's3_endpoint = "{endpoint}"', 's3_access_key = "test"')

        async def build_and_prove() -> None:
            await prove(await build_witnesses(stage, *lines, 's3_secret_key = "test"'))

        asyncio.run(build_and_prove())
