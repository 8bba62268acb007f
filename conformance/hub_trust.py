"""Checks of a hub: whose certificate it believes, and that it demands signatures where it says so."""

from datetime import UTC, datetime
from pathlib import Path

import grpc

from auth.certificates import issue, make_authority
from conformance.calling import Refusal, refusal_of
from conformance.checks import Face, Group, NotApplicable, NotTried, Texts, Trial, check
from conformance.neighbourhood import Neighbourhood
from connectors.transports.grpc_peer import PushStream
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2
from protos.federation.v1 import federation_service_pb2 as federation
from protos.federation.v1 import federation_service_pb2_grpc as federation_grpc

_BELIEVED = Texts(
    "只接受登记在册、在有效期内的证书（TLS 1.3 双向认证）",
    "Only registered certificates that are valid are believed (mutual TLS 1.3)",
)
_CRYPTO = "docs/security/cryptography.md"
_KEYS = "docs/deployment.md"
#: Codes with which a handshake that failed, or a certificate that is not believed, ends a call.
_SHUT = frozenset({"UNAVAILABLE", "UNAUTHENTICATED", "PERMISSION_DENIED"})


async def _knock(hub: Neighbourhood, certificate: bytes | None, key: bytes | None) -> Refusal | None:
    """Says Hello with a certificate, or with none; returns how that was refused."""
    target = hub.line.target
    credentials = grpc.ssl_channel_credentials(target.authority.read_bytes(), key, certificate)
    options = [("grpc.ssl_target_name_override", target.peer_id)]
    async with grpc.aio.secure_channel(target.address, credentials, options=options) as channel:
        stub = federation_grpc.FederationServiceStub(channel)
        request = federation.HelloRequest(peer_id=hub.terms.platform_id, contracts=["sanji.exchange.v1"])
        try:
            await stub.Hello(request, timeout=hub.terms.patience_seconds)
        except grpc.aio.AioRpcError as error:
            return refusal_of(error)
    return None


async def _shut_out(hub: Neighbourhood, trial: Trial, certificate: bytes | None, key: bytes | None) -> Refusal:
    trial.do("以该证书调用 Hello / says Hello with it")
    came = await _knock(hub, certificate, key)
    trial.expect(
        came is not None and came.code in _SHUT, "UNAUTHENTICATED | UNAVAILABLE", came or "被接受 / was let in"
    )
    assert came is not None  # noqa: S101 — expected above
    return came


async def _pair(hub: Neighbourhood, trial: Trial, pair: tuple[Path, Path] | None, option: str) -> Refusal:
    if pair is None:
        raise NotTried(f"未提供证书（{option}） / no such certificate was given")
    return await _shut_out(hub, trial, pair[0].read_bytes(), pair[1].read_bytes())


@check(Face.HUB, Group.CERTIFICATES, "none", Texts("没有证书", "no certificate"), _BELIEVED, _KEYS)
async def _none(hub: Neighbourhood, trial: Trial) -> None:
    await _shut_out(hub, trial, None, None)


@check(
    Face.HUB,
    Group.CERTIFICATES,
    "stranger",
    Texts("他人机构签发的同名证书", "a certificate in our name by another authority"),
    _BELIEVED,
    _KEYS,
)
async def _stranger(hub: Neighbourhood, trial: Trial) -> None:
    now = datetime.now(UTC)
    made = issue(make_authority("一致性检验 conformance", now), hub.terms.platform_id, now)
    await _shut_out(hub, trial, made.certificate, made.key)


@check(Face.HUB, Group.CERTIFICATES, "expired", Texts("过期证书", "a certificate that has expired"), _BELIEVED, _KEYS)
async def _expired(hub: Neighbourhood, trial: Trial) -> None:
    await _pair(hub, trial, hub.extras.expired, "--expired")


@check(
    Face.HUB,
    Group.CERTIFICATES,
    "unregistered",
    Texts("同一机构签发、未登记的同名证书", "a certificate in our name that is not registered"),
    _BELIEVED,
    _KEYS,
)
async def _unregistered(hub: Neighbourhood, trial: Trial) -> None:
    came = await _pair(hub, trial, hub.extras.unregistered, "--unregistered")
    trial.expect(came.code != "UNAVAILABLE", "UNAUTHENTICATED CERTIFICATE_UNKNOWN", came)


@check(
    Face.HUB,
    Group.CERTIFICATES,
    "other-name",
    Texts("同一机构签发给他人、未登记的证书", "a certificate in another name that is not registered"),
    _BELIEVED,
    _KEYS,
)
async def _other_name(hub: Neighbourhood, trial: Trial) -> None:
    came = await _pair(hub, trial, hub.extras.other_name, "--other-name")
    trial.expect(came.code != "UNAVAILABLE", "UNAUTHENTICATED CERTIFICATE_UNKNOWN", came)


async def _demanded(hub: Neighbourhood) -> tuple[str, ...]:
    """Returns the algorithms batches must be signed with.

    Raises:
        NotApplicable: none.
        NotTried: we have no key for them.
    """
    call = hub.line.peer.exchange.Push()
    try:
        opening = exchange.PushOpening(stream=hub.scene.stream())
        await call.write(exchange.PushRequest(opening=opening))
        answer = await call.read()
        assert isinstance(answer, exchange.PushResponse)  # noqa: S101 — GrpcPeer asks the same
        asked = tuple(answer.opened.signature_algorithms)
    finally:
        call.cancel()
    if not asked:
        raise NotApplicable("该链路不要求签名 / this link demands no signatures")
    if hub.line.target.sealing is None:
        raise NotTried("未提供签名密钥（--signing-key） / no signing key was given")
    return asked


async def _answer_to(hub: Neighbourhood, batch: parcel_pb2.Batch, name: str) -> str:
    """Sends a batch as it is and returns the reason with which it, or its call, was refused."""
    call = hub.line.peer.exchange.Push()
    try:
        await PushStream(call).open(name, 0, wants_receipts=False)
        await call.write(exchange.PushRequest(batch=batch))
        answer = await call.read()
    except grpc.aio.AioRpcError as error:
        return refusal_of(error).reason
    finally:
        call.cancel()
    if not isinstance(answer, exchange.PushResponse):
        return ""
    return answer.verdict.verdicts[0].reason if answer.verdict.verdicts else "DURABLE"


@check(
    Face.HUB,
    Group.SIGNATURES,
    "unsigned",
    Texts("要求签名的链路上未签名的批次", "an unsigned batch where signatures are demanded"),
    Texts("未签名的批次不接收：BATCH_UNSIGNED", "An unsigned batch is not taken"),
    _CRYPTO,
)
async def _unsigned(hub: Neighbourhood, trial: Trial) -> None:
    await _demanded(hub)
    trial.do("送未签名的一批 / an unsigned batch")
    batch = parcel_pb2.Batch(first_sequence=1, parcels=[hub.scene.payload(hub.scene.report())])
    came = await _answer_to(hub, batch, hub.scene.stream())
    trial.expect_equal("reason", "BATCH_UNSIGNED", came)


@check(
    Face.HUB,
    Group.SIGNATURES,
    "altered",
    Texts("签名后被改动的批次", "a batch altered after it was signed"),
    Texts("签名与内容不符的批次不接收：BATCH_SIGNATURE_INVALID", "A signature that does not fit is not taken"),
    _CRYPTO,
)
async def _altered(hub: Neighbourhood, trial: Trial) -> None:
    asked, name = await _demanded(hub), hub.scene.stream()
    trial.do("签名后换一条记录 / signed, then one record exchanged")
    sealing = hub.line.target.sealing
    assert sealing is not None  # noqa: S101 — _demanded has looked
    signed, sent = (hub.scene.payload(hub.scene.report()) for _ in range(2))
    batch = parcel_pb2.Batch(first_sequence=1, parcels=[sent])
    for seal in sealing(hub.line.target.peer_id, name, 1, [signed], asked):
        batch.signatures.add(statement=seal.statement, signature=seal.signature)
    trial.expect_equal("reason", "BATCH_SIGNATURE_INVALID", await _answer_to(hub, batch, name))


@check(
    Face.HUB,
    Group.SIGNATURES,
    "signed",
    Texts("按要求签名的批次", "a batch signed as demanded"),
    Texts("签名正确的批次接收", "A batch that is signed rightly is taken"),
    _CRYPTO,
)
async def _signed(hub: Neighbourhood, trial: Trial) -> None:
    await _demanded(hub)
    trial.do("送签名的一批 / a signed batch")
    (fate,) = await hub.line.batch(hub.scene.stream(), [hub.scene.payload(hub.scene.report())])
    trial.expect_equal("outcome", "DURABLE", fate.outcome)
