"""Signing and judging link files with the key of a certificate: the hub's, or a platform's.

Called by ``hub.files`` and by ``sanji files``; vendors' programs hand it to ``FileClient``.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from auth.certificates import thumbprint
from auth.signatures import Signed, sign, signer_of
from connectors.county.profile import Profile, ProfileInvalid
from connectors.transports.files import PURPOSE, FileKeys, SignedContent
from exchange_db.records import Violated
from hub.clock import Clock, system_clock


def signed_with(certificate: Path, key: Path, content: bytes) -> SignedContent:
    """Returns content signed with the key of a certificate, as a link file carries it.

    Raises:
        Violated: FILE_KEY_UNUSABLE, certificate or key cannot be read or do not sign (P-256 does).
    """
    try:
        return SignedContent(*sign(PURPOSE, content, certificate.read_bytes(), key.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise Violated("FILE_KEY_UNUSABLE", "key", error) from None


def signer(signed: SignedContent, authorities: bytes, now: int) -> tuple[str, str]:
    """Returns who signed a file and the thumbprint of the certificate, if both hold at a moment.

    Raises:
        Violated: SIGNATURE_INVALID, or PEER_ID_MISMATCH when the certificate names nobody.
    """
    moment = datetime.fromtimestamp(now / 1_000_000, UTC)
    name = signer_of(PURPOSE, Signed(*signed), authorities, moment)
    return name, thumbprint(signed.certificates)


def platform_file_keys(profile: Profile, clock: Clock = system_clock) -> FileKeys:
    """Returns what signs a platform's files and judges those of its hub.

    Raises:
        ProfileInvalid: the profile is one for REST, without a certificate.
        OSError: a file of the profile cannot be read.
    """
    if profile.certificate is None or profile.key is None:
        raise ProfileInvalid("档案无证书和私钥，文件须以证书签名。 / Files are signed with a certificate.")
    sign_content = partial(signed_with, profile.certificate, profile.key)
    return FileKeys(sign_content, _judge(profile, clock))


def _judge(profile: Profile, clock: Clock) -> Callable[[SignedContent], None]:
    authorities = profile.authority.read_bytes()

    def judge(signed: SignedContent) -> None:
        name, shown = signer(signed, authorities, clock())
        if name != profile.hub_id:
            raise Violated("FILE_FOREIGN", "certificates", name)
        if shown not in {profile.thumbprint, profile.second_thumbprint}:
            raise Violated("CERTIFICATE_UNKNOWN", "certificates")

    return judge
