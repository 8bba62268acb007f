"""What a platform said about somebody who signed on there, in one shape whatever the protocol, and why it was refused.

Made by ``auth.oidc_client``, ``auth.cas_client`` and ``auth.tickets``; taken by ``auth.sessions``.
"""

from datetime import datetime

import msgspec

from auth.person import Hop

#: Characters of an attribute that are kept.
MOST_CHARACTERS = 200


class SignOnRefused(Exception):
    """A sign-on does not hold.

    Attributes:
        reason: a key of the console's catalogue, told to the person.
        detail: for the log and the audit; holds no secret.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class UpstreamFailed(SignOnRefused):
    """The platform did not answer, or not with anything that can be read."""


class Assertion(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed on, at which platform, how and when.

    ``region`` is already within what the platform may speak for. ``hops`` are the platforms before it, nearest first.
    """

    upstream_id: str
    subject: str
    name: str = ""
    unit: str = ""
    region: int
    auth_time: datetime
    acr: str = ""
    hops: tuple[Hop, ...] = ()
    upstream_session: str = ""
    id_token: str = ""


def require_subject(subject: object) -> str:
    """Returns a platform's name for somebody, when it can be one.

    Raises:
        SignOnRefused: it is empty, longer than 255 characters, or holds what cannot be printed.
    """
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise SignOnRefused("answer_refused", "no usable subject")
    if subject != subject.strip():
        raise SignOnRefused("answer_refused", "subject with blanks around it")
    return subject


def attribute(value: object) -> str:
    """Returns an attribute as one line of bounded text; of a list its first entry, of anything else nothing."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if not isinstance(value, str | int):
        return ""
    return "".join(sign if sign.isprintable() else " " for sign in str(value))[:MOST_CHARACTERS].strip()
