"""The ways a notice leaves the hub: webhooks and group robots, each as its maker documents it, and e-mail.

Only registered addresses are dialled (``auth.egress``). ``NotTaken`` is raised when it is certain that the other side
has not taken a notice, so that it may be sent again; ``Unsure`` when it may have.

Sources: Standard Webhooks 1.0 (ids, signature); the makers' pages on group robots: WeCom 群机器人配置说明, DingTalk
自定义机器人 (加签), Feishu 自定义机器人 (签名校验); RFC 5321 and 5322 for mail.
"""

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Protocol
from urllib.parse import quote

import aiosmtplib

from auth.assertion import UpstreamFailed
from auth.egress import Answer, Egress
from exchange_db.alert_notices import Notice
from exchange_db.alert_records import Severity
from hub.alerts.telling import MAIL
from hub.clock import Clock
from hub.sections.alerts import AlertsPart, Channel, MailPart

_SECONDS = 10.0
_JSON = {"Content-Type": "application/json; charset=utf-8"}
#: WeCom cuts a text at 2,048 bytes and says nothing; the others take more.
_MOST_BYTES = 2_000
#: What of an upstream's failure leaves open whether it had taken the request.
_OPEN_ENDED = ("TimeoutError", "ServerTimeoutError", "ServerDisconnectedError", "SocketTimeoutError", "more than")


class NotTaken(Exception):
    """The other side did not take the notice; it may be sent again."""


class Unsure(Exception):
    """The notice left, and nobody knows whether it arrived."""


class Way(Protocol):
    """A way out."""

    async def send(self, notice: Notice) -> None:
        """Sends a notice.

        Raises:
            NotTaken: certainly not taken.
            Unsure: perhaps taken.
        """

    async def close(self) -> None:
        """Closes what is open."""


def ways_of(alerts: AlertsPart, mail: MailPart, hub_id: str, clock: Clock) -> dict[str, Way]:
    """Returns the ways the settings have, by name of the channel."""
    ways: dict[str, Way] = {name: Robot(channel, hub_id, clock) for name, channel in alerts.channels.items()}
    if mail.host:
        ways[MAIL] = Mail(mail, hub_id)
    return ways


class Robot:
    """A webhook or a group's robot.

    Args:
        channel: as the settings have it.
        hub_id: name of the hub, for webhooks.
        clock: the hub's clock, for signatures.
    """

    def __init__(self, channel: Channel, hub_id: str, clock: Clock) -> None:
        self._channel = channel
        self._hub_id = hub_id
        self._clock = clock
        self._egress = Egress(channel.addresses, channel.authority, most_seconds=_SECONDS)

    async def send(self, notice: Notice) -> None:
        """Posts a notice in the form of the channel's kind."""
        secret = self._channel.secret.get_secret_value() if self._channel.secret else ""
        url, now = self._channel.url.get_secret_value(), self._clock()
        headers: Mapping[str, str] = _JSON
        text = shortened(f"{notice.title}\n{notice.body}")
        if self._channel.kind == "webhook":
            body = json.dumps(self._event(notice), ensure_ascii=False).encode()
            headers = {**_JSON, **webhook_headers(secret, str(notice.event_id), now // 1_000_000, body)}
        elif self._channel.kind == "feishu":
            signed = feishu_signature(secret, now // 1_000_000) if secret else {}
            body = _encoded({**signed, "msg_type": "text", "content": {"text": text}})
        else:
            # WeCom and DingTalk have the same form.
            body = _encoded({"msgtype": "text", "text": {"content": text}})
            if self._channel.kind == "dingtalk" and secret:
                url += dingtalk_signature(secret, now // 1_000)
        require_taken(self._channel.kind, await self._post(url, body, headers))

    async def close(self) -> None:
        """Closes what is open."""
        await self._egress.close()

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            return await self._egress.fetch("POST", url, body=body, headers=headers)
        except UpstreamFailed as failed:
            told = str(failed)
            if any(one in told for one in _OPEN_ENDED):
                raise Unsure(told) from None
            raise NotTaken(told) from None

    def _event(self, notice: Notice) -> dict[str, Any]:
        return {
            "type": "test" if notice.is_test else "alert",
            "timestamp": notice.made_time.isoformat(),
            "data": {
                "hub_id": self._hub_id,
                "event_id": str(notice.event_id),
                "severity": str(notice.severity),
                "title": notice.title,
                "text": notice.body,
            },
        }


class Mail:
    """The mail server.

    Args:
        part: as the settings have it.
        hub_id: name of the hub, which is what ids of messages end with.
    """

    def __init__(self, part: MailPart, hub_id: str) -> None:
        self._part = part
        self._hub_id = hub_id
        self._egress = Egress(part.addresses, most_seconds=_SECONDS)

    async def send(self, notice: Notice) -> None:
        """Hands a notice to the mail server; its id makes a message that comes twice known as one."""
        part, message = self._part, self._message(notice)
        try:
            opened = await self._egress.dial(part.host, part.port)
        except UpstreamFailed as failed:
            raise NotTaken(str(failed)) from None
        tls = ssl.create_default_context(cafile=part.authority or None) if part.security != "none" else None
        client = aiosmtplib.SMTP(
            hostname=part.host, port=None, sock=opened, timeout=_SECONDS, local_hostname=self._hub_id,
            use_tls=part.security == "tls", start_tls=part.security == "starttls", tls_context=tls,
            username=part.user or None, password=part.password.get_secret_value() if part.password else None,
        )  # fmt: skip
        is_handed_over = False
        try:
            async with client:
                is_handed_over = True
                await client.send_message(message)
        except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused) as error:
            raise NotTaken(f"{type(error).__name__}: {error}") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            told = f"{type(error).__name__}: {error}"
            raise (Unsure if is_handed_over else NotTaken)(told) from None
        finally:
            opened.close()

    async def close(self) -> None:
        """Has nothing open: a connection serves one message."""

    def _message(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._part.sender
        message["To"] = notice.address
        message["Subject"] = " ".join(notice.title.split())
        message["Date"] = format_datetime(notice.made_time)
        message["Message-ID"] = f"<{notice.event_id}@{self._hub_id}>"
        message["Auto-Submitted"] = "auto-generated"
        if notice.severity is Severity.CRITICAL:
            message["Importance"] = "high"
        message.set_content(notice.body)
        return message


def webhook_headers(secret: str, event_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """Returns the headers of Standard Webhooks: id, time, and an HMAC-SHA256 over both and the body."""
    signed = f"{event_id}.{seconds}.".encode() + body
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{_hmac(secret.encode(), signed)}",
    }


def dingtalk_signature(secret: str, milliseconds: int) -> str:
    """Returns what DingTalk wants behind a robot's address: the time and the 加签 over it."""
    sign = _hmac(secret.encode(), f"{milliseconds}\n{secret}".encode())
    return f"&timestamp={milliseconds}&sign={quote(sign, safe='')}"


def feishu_signature(secret: str, seconds: int) -> dict[str, str]:
    """Returns what Feishu wants in a message: the time, and an HMAC with time and secret as its key over nothing."""
    return {"timestamp": str(seconds), "sign": _hmac(f"{seconds}\n{secret}".encode(), b"")}


def require_taken(kind: str, answer: Answer) -> None:
    """Checks that the other side took a message; robots say so in the answer, whatever its status.

    Raises:
        NotTaken: it says no.
    """
    if not 200 <= answer.status < 300:
        raise NotTaken(f"HTTP {answer.status}")
    if kind == "webhook":
        return
    try:
        said = answer.read_object()
    except UpstreamFailed:
        raise NotTaken(f"HTTP {answer.status}, no answer of a robot") from None
    code = said.get("code", said.get("StatusCode")) if kind == "feishu" else said.get("errcode")
    if code != 0:
        raise NotTaken(f"{kind} {code}: {said.get('errmsg', said.get('msg', ''))}"[:300])


def shortened(text: str) -> str:
    """Returns a text of at most as many bytes as every robot takes."""
    raw = text.encode()
    return text if len(raw) <= _MOST_BYTES else raw[:_MOST_BYTES].decode(errors="ignore") + "…"


def _encoded(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


def _hmac(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
