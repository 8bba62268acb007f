"""Evidence against a running hub: handed in, given out, refused, and cared for."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest

from connectors.county.client import CountyClient
from connectors.errors import CallRefused, ConnectorError, CredentialsRefused, Unreachable
from connectors.transports.grpc_peer import GrpcPeer, asked, translated
from exchange_db.attachment_records import AttachmentKind
from exchange_db.embedded import EmbeddedServer
from exchange_db.records import AssignmentState
from protos.attachment.v1 import attachment_service_pb2 as attachment
from protos.case.v1 import case_pb2
from protos.common.v1 import page_pb2
from tests.support.builders import a_case, a_report, an_assignment
from tests.support.commands import sanji
from tests.support.evidence import SendCommand, Witnesses, build_witnesses, spooled, stored
from tests.support.photos import a_film, a_photo, a_ref, an_offer, digest_of, exif_of
from tests.support.stages import change, rows, staged, until_value, value

STATE = "SELECT state FROM attachment_refs WHERE case_no = %s AND section > 0"
MISSING, PARTIAL, UNKNOWN = (
    attachment.ATTACHMENT_STATE_MISSING,
    attachment.ATTACHMENT_STATE_PARTIAL,
    attachment.ATTACHMENT_STATE_UNKNOWN,
)


@pytest.fixture(scope="module")
def site(server: EmbeddedServer) -> Iterator[Witnesses]:
    with staged(server) as stage:
        yield asyncio.run(build_witnesses(stage))


async def _reported(site: Witnesses, case_no: str, *data: bytes, **changes: Any) -> None:
    case = a_case(case_no, report=a_report(), attachments=tuple(a_ref(item, **changes) for item in data))
    await site.county.party.push(case)


async def _refused(site: Witnesses, *requests: attachment.UploadRequest) -> ConnectorError:
    """Speaks the contract by hand and returns how the call was refused."""
    async with GrpcPeer(site.county.target) as hub:
        call = hub.attachments.Upload()
        try:
            for request in requests:
                await call.write(request)
            await call.done_writing()
            while await call.read():
                pass
            raise AssertionError("it was taken")
        except grpc.aio.AioRpcError as error:
            return translated(error)


def _header(data: bytes, case_no: str, **changes: Any) -> attachment.UploadRequest:
    values: dict[str, Any] = {
        "digest": digest_of(data),
        "size_bytes": len(data),
        "media_type": "image/jpeg",
        "kind": case_pb2.ATTACHMENT_KIND_BEFORE_NEAR,
        "key": case_pb2.CaseKey(issuer_id="431221.platform", case_no=case_no),
    }
    return attachment.UploadRequest(header=attachment.UploadHeader(**values | changes))


def _chunk(data: bytes, offset: int = 0) -> attachment.UploadRequest:
    return attachment.UploadRequest(chunk=attachment.Chunk(offset=offset, data=data))


async def test_a_photo_is_missing_until_it_comes_and_is_given_to_who_handles_the_case(
    site: Witnesses, tmp_path: Path
) -> None:
    photo = a_photo(1, exif=exif_of(position=(("N", 27, 26, 24), ("E", 109, 56, 42))))
    digest = digest_of(photo)
    await _reported(site, "A-1", photo)
    await until_value(site.hub, "missing", STATE, "A-1")
    assert await site.county.states(digest) == [MISSING]
    with pytest.raises(Unreachable, match="not arrived"):
        await site.county.fetch(tmp_path, digest)
    assert "A-1" in (await sanji("attachments", "missing", "--config", site.hub.settings_file)).told
    delivered = await site.county.hand_in(tmp_path, photo, an_offer(photo, "A-1"))
    assert (delivered.is_duplicate, delivered.sniffed_type) == (False, "image/jpeg")
    assert value(site.hub, STATE, "A-1") == "held"
    ((x, y, taken),) = rows(
        site.hub, "SELECT exif_x, exif_y, exif_time FROM attachments WHERE digest = %s", bytes.fromhex(digest)
    )
    assert (round(x, 3), round(y, 2), taken.isoformat()[:13]) == (109.945, 27.44, "2020-06-15T02")
    assert await site.other.states(digest) == [UNKNOWN]
    with pytest.raises(CallRefused) as refused:
        await site.other.fetch(tmp_path, digest)
    assert refused.value.reason == "ATTACHMENT_NOT_FOUND"
    given = an_assignment(state=AssignmentState.DISPATCHED, handler_id="431222.platform")
    change(site.hub, "UPDATE cases SET handler_id = %s WHERE case_no = 'A-1'", given.handler_id)
    assert await site.other.fetch(tmp_path, digest) == photo
    assert spooled(site.hub) == {}


async def test_a_thousand_times_the_same_photo_is_stored_once(site: Witnesses, tmp_path: Path) -> None:
    photo = a_photo(2)
    offers = [an_offer(photo, f"B-{n}") for n in range(1_000)]
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo)
    before = len(stored(site.hub))
    async with CountyClient(site.county.profile, tmp_path / "spool") as client:
        ref = await client.attach(path, AttachmentKind.BEFORE_NEAR)
        assert (ref.digest, ref.size_bytes) == (digest_of(photo), len(photo))
        await client.report(
            *(a_case(offer.case_no, report=a_report(description=offer.case_no), attachments=(ref,)) for offer in offers)
        )
        await client.flush(is_settled=True)
        assert await client.flush_attachments() == []
        assert list((tmp_path / "spool.attachments.files").iterdir()) == []
    await until_value(
        site.hub, 1_000, "SELECT count(*) FROM attachment_refs WHERE state = 'held' AND case_no LIKE 'B-%%'"
        " AND section = 1",
    )  # fmt: skip
    assert len(stored(site.hub)) == before + 1
    assert value(site.hub, "SELECT count(*) FROM attachments WHERE digest = %s", bytes.fromhex(ref.digest)) == 1


async def test_what_is_refused_is_told_with_its_reason_and_leaves_nothing(site: Witnesses, tmp_path: Path) -> None:
    photo, before = a_photo(3), stored(site.hub).keys()
    large = 20_000_001
    for reason, requests in (
        ("ATTACHMENT_TYPE_MISMATCH", [_header(b"<html>" * 2_000, "C"), _chunk(b"<html>" * 2_000)]),
        ("ATTACHMENT_TYPE_MISMATCH", [_header(b"<html>", "C"), _chunk(b"<html>")]),
        ("ATTACHMENT_TYPE_FORBIDDEN", [_header(photo, "C", media_type="text/html")]),
        ("ATTACHMENT_TOO_LARGE", [_header(photo, "C", size_bytes=large)]),
        ("ATTACHMENT_DIGEST_MISMATCH", [_header(photo, "C", digest="ab" * 32), _chunk(photo)]),
        ("ORIGIN_FORBIDDEN", [_header(photo, "C", key=case_pb2.CaseKey(issuer_id="431222.platform", case_no="C"))]),
        ("FIELD_MISSING", [_chunk(photo)]),
        ("FIELD_INVALID", [_header(photo, "C", digest="XY")]),
        ("FIELD_MISSING", [_header(photo, "C", kind=0)]),
        ("FIELD_MISSING", [_header(photo, "")]),
        ("ARGUMENT_INVALID", [_header(photo, "C"), _chunk(photo, 7)]),
        ("ARGUMENT_INVALID", [_header(photo, "C"), _chunk(photo + b"x")]),
        ("ARGUMENT_INVALID", [_header(photo, "C"), _chunk(b"")]),
        ("ATTACHMENT_INCOMPLETE", [_header(photo, "C"), _chunk(photo[:9])]),
    ):
        assert (await _refused(site, *requests)).reason == reason
    assert stored(site.hub).keys() == before
    assert set(spooled(site.hub)) <= {digest_of(photo)}


async def test_who_only_knows_a_digest_must_show_the_bytes(site: Witnesses, tmp_path: Path) -> None:
    photo = a_photo(4)
    await site.county.hand_in(tmp_path, photo, an_offer(photo, "D-1"))
    theirs = an_offer(photo, "D-2", issuer_id="431222.platform")
    async with GrpcPeer(site.other.target) as hub:
        call = hub.attachments.Upload()
        await call.write(_header(photo, "D-2", key=case_pb2.CaseKey(issuer_id="431222.platform", case_no="D-2")))
        answer = await call.read()
        assert isinstance(answer, attachment.UploadResponse)
        assert answer.opened.next_offset == 0
        call.cancel()
    with pytest.raises(CallRefused, match="no such attachment"):
        await site.other.fetch(tmp_path, theirs.digest)
    before = len(stored(site.hub))
    assert (await site.other.hand_in(tmp_path, photo, theirs)).is_duplicate
    assert len(stored(site.hub)) == before
    assert await site.other.fetch(tmp_path, theirs.digest) == photo


async def test_only_so_many_uploads_may_be_left_unfinished(site: Witnesses) -> None:
    change(site.hub, "DELETE FROM attachment_uploads WHERE NOT is_done")
    for number in range(20):
        photo = a_photo(1_000 + number)
        assert (await _refused(site, _header(photo, "E"), _chunk(photo[:9]))).reason == "ATTACHMENT_INCOMPLETE"
    one_more = await _refused(site, _header(a_photo(2_000), "E"))
    assert isinstance(one_more, Unreachable)
    assert "20" in str(one_more)
    change(site.hub, "DELETE FROM attachment_uploads WHERE NOT is_done")


async def test_a_blocked_platform_is_refused_on_an_open_upload(site: Witnesses, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    digest = a_film(film, 9_000_000)
    video = case_pb2.ATTACHMENT_KIND_VIDEO
    piece = 1_000_000
    try:
        async with GrpcPeer(site.other.target) as hub:
            call = hub.attachments.Upload()
            key = case_pb2.CaseKey(issuer_id="431222.platform", case_no="F")
            header = _header(b"", "F", digest=digest, size_bytes=9_000_000, media_type="video/mp4", kind=video, key=key)
            await call.write(header)
            await call.read()
            change(site.hub, "UPDATE peers SET state = 'blocked' WHERE peer_id = %s", "431222.platform")
            data = film.read_bytes()
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                for offset in range(0, len(data), piece):
                    await call.write(_chunk(data[offset : offset + piece], offset))
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                while await call.read():
                    pass
        error = translated(refused.value)
        assert isinstance(error, CredentialsRefused)
        assert error.reason == "PEER_BLOCKED"
    finally:
        change(site.hub, "UPDATE peers SET state = 'active' WHERE peer_id = %s", "431222.platform")


async def test_damage_is_found_on_reading_and_mended_by_handing_in_again(site: Witnesses, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    digest = a_film(film, 3_500_000, 7)
    data = film.read_bytes()
    offer = an_offer(b"", "G-1", digest=digest, size_bytes=len(data), media_type="video/mp4", kind=AttachmentKind.VIDEO)
    await site.county.hand_in(tmp_path, data, offer)
    assert await site.county.fetch(tmp_path, digest) == data
    path = stored(site.hub)[digest]
    damaged = bytearray(data)
    damaged[3_000_000] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ConnectorError, match="came to harm"):
        await site.county.fetch(tmp_path, digest)
    assert value(site.hub, "SELECT state FROM attachments WHERE digest = %s", bytes.fromhex(digest)) == "corrupt"
    told = (await sanji("attachments", "missing", "--config", site.hub.settings_file)).told
    assert digest[:20] in told.replace("\n", "") or "corrupt" in told
    assert not (await site.county.hand_in(tmp_path, data, offer)).is_duplicate
    assert await site.county.fetch(tmp_path, digest) == data
    path.unlink()
    scrubbed = await sanji("attachments", "scrub", "--config", site.hub.settings_file)
    assert scrubbed.code == 1
    assert "损坏 1 个" in scrubbed.told
    await site.county.hand_in(tmp_path, data, offer)
    assert (await sanji("attachments", "scrub", "--config", site.hub.settings_file)).code == 0


async def test_a_download_goes_on_where_it_stopped(site: Witnesses, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    digest = a_film(film, 5_300_000, 8)
    data = film.read_bytes()
    offer = an_offer(b"", "H-1", digest=digest, size_bytes=len(data), media_type="video/mp4", kind=AttachmentKind.VIDEO)
    await site.county.hand_in(tmp_path, data, offer)
    for kept in (1, 1_048_576, 3_000_001, len(data)):
        (tmp_path / f"{digest}.fetched.part").write_bytes(data[:kept])
        assert await site.county.fetch(tmp_path, digest) == data
    (tmp_path / f"{digest}.fetched.part").write_bytes(b"?" * 100)
    assert await site.county.fetch(tmp_path, digest) == data


async def test_the_command_tells_what_became_of_a_file(site: Witnesses, tmp_path: Path) -> None:
    photo, page = tmp_path / "a.jpg", tmp_path / "b.jpg"
    photo.write_bytes(a_photo(5))
    page.write_text("<html></html>" * 1_000, encoding="utf-8")
    profile = site.county.profile.authority.parent
    code, told = await SendCommand(photo, profile, "J-1", "before_near").run()
    assert (code, "已存入" in told) == (0, True), told
    code, told = await SendCommand(photo, profile, "J-2", "after").run()
    assert (code, "此前已有" in told) == (0, True), told
    code, told = await SendCommand(page, profile, "J-1", "before_near").run()
    assert (code, "ATTACHMENT_TYPE_MISMATCH" in told) == (1, True), told
    for file, kind, word in ((photo, "selfie", "没有 selfie"), (tmp_path / "none.jpg", "after", "无法读取")):
        code, told = await SendCommand(file, profile, "J-1", kind).run()
        assert (code, word in told) == (2, True), told


async def test_a_client_tells_what_was_refused_and_keeps_it(site: Witnesses, tmp_path: Path) -> None:
    page = tmp_path / "page.jpg"
    page.write_text("<html></html>", encoding="utf-8")
    async with CountyClient(site.county.profile, tmp_path / "spool") as client:
        ref = await client.attach(page, AttachmentKind.AFTER)
        await client.report(a_case("K-1", attachments=(ref,), report=a_report()))
        (refused,) = await client.flush_attachments()
        assert (refused.reason, refused.offer.case_no) == ("ATTACHMENT_TYPE_MISMATCH", "K-1")
    async with CountyClient(site.county.profile, tmp_path / "spool") as client:
        await client.flush()
        assert [item.reason for item in await client.flush_attachments()] == ["ATTACHMENT_TYPE_MISMATCH"]


async def test_a_hub_that_stops_keeps_what_has_come_and_says_so(site: Witnesses, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    digest = a_film(film, 9_000_000, 9)
    data, piece = film.read_bytes(), 1_000_000
    changes = {"digest": digest, "size_bytes": len(data), "media_type": "video/mp4"}
    header = _header(b"", "L-1", kind=case_pb2.ATTACHMENT_KIND_VIDEO, **changes)
    async with GrpcPeer(site.county.target) as hub:
        call = hub.attachments.Upload()
        await call.write(header)
        await call.read()
        for offset in range(0, 5_000_000, piece):
            await call.write(_chunk(data[offset : offset + piece], offset))
        progress = await call.read()
        assert isinstance(progress, attachment.UploadResponse)
        assert progress.progress.durable_offset == 5_000_000
        stopping = asyncio.create_task(asyncio.to_thread(site.hub.stop))
        with pytest.raises(grpc.aio.AioRpcError, match="draining"):
            await call.read()
        await stopping
    site.hub.start()
    await site.hub.wait_until_open()
    async with GrpcPeer(site.county.target) as hub:
        call = hub.attachments.Upload()
        await call.write(header)
        opened = await call.read()
        assert isinstance(opened, attachment.UploadResponse)
        assert opened.opened.next_offset == 5_000_000
        call.cancel()


async def test_evidence_survives_the_client_and_is_handed_in_by_the_next_one(site: Witnesses, tmp_path: Path) -> None:
    away = msgspec.structs.replace(site.county.profile, address="127.0.0.1:1")
    path = tmp_path / "photo.jpg"
    path.write_bytes(a_photo(51))
    async with CountyClient(away, tmp_path / "spool") as client:
        ref = await client.attach(path, AttachmentKind.BEFORE_FAR)
        await client.report(a_case("N-1", report=a_report(), attachments=(ref,)))
    path.unlink()
    async with CountyClient(site.county.profile, tmp_path / "spool") as client:
        await client.flush(is_settled=True)
        assert await client.flush_attachments() == []
        fetched = tmp_path / "fetched.jpg"
        await client.fetch(ref, fetched)
        assert [offer for offer in await client.wanted() if offer.case_no == "N-1"] == []
    assert fetched.read_bytes() == a_photo(51)


async def test_questions_are_answered_within_their_limits(site: Witnesses) -> None:
    photo = a_photo(52)
    digest = digest_of(photo)
    await _refused(site, _header(photo, "O-1"), _chunk(photo[:9]))
    assert await site.county.states(digest, "ab" * 32) == [PARTIAL, UNKNOWN]
    assert await site.other.states(digest) == [UNKNOWN]
    for digests in ([], ["ab" * 32] * 501, ["xy"]):
        with pytest.raises(CallRefused):
            await site.county.states(*digests)
    async with GrpcPeer(site.county.target) as hub:
        for token in ("x", "1.2.3", f"1.{'ab' * 32}.{'ab' * 15}"):
            page = page_pb2.Page(token=token)
            with pytest.raises(CallRefused) as refused:
                await asked(hub.attachments.ListWanted(attachment.ListWantedRequest(page=page), timeout=30.0))
            assert refused.value.violations[0][0] == "page.token"
        await site.county.hand_in(site.hub.folder, photo, an_offer(photo, "O-1"))
        for offset in (-1, len(photo) + 1):
            call = hub.attachments.Download(attachment.DownloadRequest(digest=digest, offset=offset))
            with pytest.raises(grpc.aio.AioRpcError, match="argument does not fit"):
                await call.read()
